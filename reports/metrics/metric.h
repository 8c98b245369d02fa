// The one table of metrics: every number that any output shows, with key, unit and meaning.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"
#include "sim/results/summary.h"

namespace moesim {

// Every metric by the name that code refers to it by: its key in CamelCase, without the unit at the
// end. In the order of the columns of cases.csv. A new metric is a name here and a row in the table
// of its group (reports/metrics/GROUP.cpp).
enum class Metric : std::size_t {
  // requests
  kRequestsArrived,
  kRequestsCompleted,
  kRequestsRejected,
  kRequestsRejectedContext,
  kRequestsInFlight,
  kPreemptions,
  kRecomputedTokens,
  kInputTokens,
  kOutputTokens,
  kSloAttainmentShare,
  kSloMet,
  kSloTtftP99,
  kSloTpotP99,
  kSaturated,
  // measuring
  kWarmUp,
  kWarmedUp,
  kUnfinishedShare,
  kMeasuredEndToEnds,
  kTokenRateHalfWidthShare,
  kTtftP99HalfWidthShare,
  kTpotP99HalfWidthShare,
  kTooShort,
  // latency
  kTtftMean,
  kTtftP50,
  kTtftP90,
  kTtftP99,
  kTpotMean,
  kTpotP50,
  kTpotP90,
  kTpotP99,
  kE2eMean,
  kE2eP50,
  kE2eP90,
  kE2eP99,
  // throughput
  kHorizon,
  kOutputTokensPerSecond,
  kOutputTokensPerSecondPerDevice,
  kInputTokensPerSecond,
  kRequestsPerSecond,
  kOfferedRequestsPerSecond,
  kGoodputRequestsPerSecond,
  kMeanBatch,
  kRequestsWaitingMean,
  kSteps,
  kDecodeSteps,
  // cost
  kCostPerMillionOutputTokens,
  kCostPerMillionTokens,
  kCostPerMillionInputTokens,
  kCostPerMillionOutputTokensNet,
  kCostPerHour,
  kCostPerDeviceHour,
  kCostPerMonth,
  kCostTotal,
  kCostRent,
  kCostAmortisation,
  kCostNetworkPurchase,
  kCostElectricity,
  kElectricityPerMillionInputTokens,
  kElectricityPerMillionOutputTokens,
  kElectricityPerMonth,
  kCostComputePerMillionOutputTokens,
  kCostMemoryPerMillionOutputTokens,
  kCostCommunicationPerMillionOutputTokens,
  kCostOverheadPerMillionOutputTokens,
  kCostImbalanceWaitPerMillionOutputTokens,
  kCostIdlePerMillionOutputTokens,
  kCostUnallocatedPerMillionOutputTokens,
  // energy
  kEnergyTotal,
  kEnergyDevices,
  kEnergyHost,
  kEnergyNetwork,
  kEnergyPowerSupply,
  kEnergyFacility,
  kEnergyDevicesCompute,
  kEnergyDevicesMemory,
  kEnergyDevicesCommunication,
  kEnergyDevicesOverhead,
  kEnergyDevicesImbalanceWait,
  kEnergyDevicesIdle,
  kEnergyDevicesUnallocated,
  kEnergyPrefill,
  kEnergyDecode,
  kEnergyPerOutputToken,
  kEnergyPerToken,
  kEnergyDevicesPerOutputToken,
  kEnergyHostPerOutputToken,
  kEnergyNetworkPerOutputToken,
  kEnergyPowerSupplyPerOutputToken,
  kEnergyFacilityPerOutputToken,
  kEnergyPrefillPerInputToken,
  kEnergyDecodePerOutputToken,
  kAveragePower,
  kAveragePowerPerDevice,
  kEnergyPerMillionInputTokens,
  kEnergyPerMillionOutputTokens,
  kEnergyPerMonth,
  kCarbonTotal,
  kCarbonPerMillionInputTokens,
  kCarbonPerMillionOutputTokens,
  kCarbonPerMonth,
  // memory
  kDeviceMemoryBytes,
  kMemoryBudgetBytes,
  kMemoryNeededBytes,
  kMemoryShortfallBytes,
  kWeightsBytes,
  kWeightsAttentionBytes,
  kWeightsDenseBytes,
  kWeightsRoutedExpertsBytes,
  kWeightsSharedExpertsBytes,
  kWeightsGateBytes,
  kWeightsEmbeddingBytes,
  kActivationsBytes,
  kCommunicationBuffersBytes,
  kFullestEpGroupOverMean,
  kRuntimeBytes,
  kKvPoolBytes,
  kMemoryReserveBytes,
  kKvBytesPerToken,
  kKvCapacityTokens,
  kKvCapacityTotalTokens,
  kKvPeakTokens,
  kKvPeakBytes,
  kKvPeakShare,
  kMemoryPeakBytes,
  kPrefillMemoryNeededBytes,
  kPrefillKvCapacityTokens,
  kPrefillKvCapacityTotalTokens,
  kPrefillKvPeakShare,
  // time
  kTimeCompute,
  kTimeMemory,
  kTimeCommunication,
  kTimeOverhead,
  kTimeImbalanceWait,
  kTimeIdle,
  kTimeUnallocated,
  kTimeComputeShare,
  kTimeMemoryShare,
  kTimeCommunicationShare,
  kTimeOverheadShare,
  kTimeImbalanceWaitShare,
  kTimeIdleShare,
  kTimeUnallocatedShare,
  kDeviceTimeUsedShare,
  kDeviceTimeAllocatedShare,
  kDeviceTimeIdleShare,
  kKernelTimeMeasuredShare,
  // communication
  kCommTensorParallelBytes,
  kCommDispatchBytes,
  kCommCombineBytes,
  kCommPipelineBytes,
  kCommWeightMovesBytes,
  kKvTransferBytes,
  kKvHandoverMean,
  kCommTotalBytes,
  kCommBytesPerOutputToken,
  kCommTensorParallelBytesPerOutputToken,
  kCommDispatchBytesPerOutputToken,
  kCommCombineBytesPerOutputToken,
  kCommPipelineBytesPerOutputToken,
  kCommWeightMovesBytesPerOutputToken,
  kCommScaleUpSentBytes,
  kCommScaleUpReceivedBytes,
  kCommScaleOutSentBytes,
  kCommScaleOutReceivedBytes,
  kCommScaleUpBytesPerSecond,
  kCommScaleOutBytesPerSecond,
  kCommShareOfBusyTime,
  // network
  kCommOfDecodeStepsShare,
  kCommOfPromptStepsShare,
  kAllReduceOfDecodeStepsShare,
  kDispatchOfDecodeStepsShare,
  kCombineOfDecodeStepsShare,
  kAllReduceOfPromptStepsShare,
  kDispatchOfPromptStepsShare,
  kCombineOfPromptStepsShare,
  kFullestPortDispatchBusyShare,
  kScaleUpBusyShare,
  kNicBusyShare,
  kSpineBusyShare,
  kScaleUpBytesPerOutputToken,
  kNicBytesPerOutputToken,
  kSpineBytesPerOutputToken,
  kScaleUpEnergyPerOutputToken,
  kNicEnergyPerOutputToken,
  kSpineEnergyPerOutputToken,
  kDoubledScaleUpGainShare,
  kDoubledNicGainShare,
  kDoubledSpineGainShare,
  // routing
  kExpertLoadMaxOverMean,
  kExpertLoadGini,
  kExpertLoadCv,
  kExpertLoadEntropy,
  kDecodeExpertsHit,
  kEpGroupMaxOverMean,
  kImbalanceWaitShareOfBusyTime,
  kDroppedPairsShare,
  // deployment
  kDevices,
  kDevicesWithRank,
  kReplicas,
  kParamsTotal,
  kParamsActive,
  kWeightsReadPerOutputTokenBytes,
  kKvReadPerOutputTokenBytes,
  // faults
  kRequestsRetried,
  kRequestsRejectedUnavailable,
  kReplicaDown,
  kAvailableShare,
  kTimeHeld,
  // quality
  kTrainingTokens,
  kTrainingTokensAssumed,
  kExpertExpansion,
  kExpertGranularity,
  kPredictedLoss,
  kPredictedLossExtrapolated,
  kPredictedLossLow,
  kPredictedLossHigh,
  kQualityLawExcessRatio,
  kPredictedLossFineGrained,
  kGranularityGain,
  kEqualQualityDenseParams,
  kNumMetrics
};

// What a metric is computed from.
struct MetricInput {
  const Deployment& deployment;
  const Workload* workload = nullptr;  // Null for an infeasible case.
  const Summary* summary = nullptr;    // Null for an infeasible case.
  const MemoryLedger& memory;
};

struct MetricRow {
  Metric metric;
  std::string key;      // "ttft_p99_s": SI unit in the key.
  std::string label;    // "TTFT P99", for people.
  std::string group;    // One of metric_groups().
  std::string unit;     // "s", "B", "token/s", ...; "share" in [0, 1], "count", "ratio", "0/1".
  std::string meaning;  // One sentence.
  std::optional<double> (*compute)(const MetricInput&);
};

// Every metric in the order of the enumeration. Throws: std::logic_error unless each has one row.
const std::vector<MetricRow>& metric_table();

// Every group in the order of the table.
const std::vector<std::string>& metric_groups();

const MetricRow& metric_row(Metric metric);

// The numbers of a case in the order of metric_table(); absent = not applicable. Empty where
// nothing ran.
using CaseMetrics = std::vector<std::optional<double>>;

// Nothing if absent.
std::optional<double> metric(const CaseMetrics& metrics, Metric key);

// Of the whole table. Throws: std::logic_error for a number that is NaN or infinite, for every
// output relies on it.
CaseMetrics compute_metrics(const MetricInput& input);

}  // namespace moesim
