#include "reports/render/words/key_metrics.h"

namespace moesim {

const std::vector<KeyGroup>& key_groups() {
  static const std::vector<KeyGroup> kGroups = {
      {"Money",
       {Metric::kCostPerMillionOutputTokens, Metric::kCostPerMillionTokens, Metric::kCostPerHour,
        Metric::kCostPerMonth, Metric::kElectricityPerMillionOutputTokens}},
      {"Throughput",
       {Metric::kOutputTokensPerSecond, Metric::kOutputTokensPerSecondPerDevice,
        Metric::kRequestsPerSecond, Metric::kMeanBatch, Metric::kRequestsCompleted,
        Metric::kRequestsRejected, Metric::kPreemptions}},
      {"Latency",
       {Metric::kTtftP50, Metric::kTtftP99, Metric::kTpotP50, Metric::kTpotP99, Metric::kE2eP99,
        Metric::kSloAttainmentShare}},
      {"Energy",
       {Metric::kEnergyPerOutputToken, Metric::kAveragePower, Metric::kEnergyPerMonth,
        Metric::kCarbonPerMillionOutputTokens}},
      {"Memory of the fullest device",
       {Metric::kWeightsBytes, Metric::kMemoryNeededBytes, Metric::kMemoryBudgetBytes,
        Metric::kMemoryShortfallBytes, Metric::kKvCapacityTokens, Metric::kKvCapacityTotalTokens,
        Metric::kKvPeakShare}},
      {"Device time",
       {Metric::kTimeComputeShare, Metric::kTimeMemoryShare, Metric::kTimeCommunicationShare,
        Metric::kTimeOverheadShare, Metric::kTimeImbalanceWaitShare, Metric::kTimeIdleShare,
        Metric::kTimeUnallocatedShare, Metric::kKernelTimeMeasuredShare}},
      {"Communication",
       {Metric::kCommBytesPerOutputToken, Metric::kCommScaleUpBytesPerSecond,
        Metric::kCommScaleOutBytesPerSecond}},
      {"Experts",
       {Metric::kExpertLoadMaxOverMean, Metric::kEpGroupMaxOverMean, Metric::kDecodeExpertsHit}},
      {"Quality",
       {Metric::kPredictedLoss, Metric::kPredictedLossExtrapolated, Metric::kTrainingTokens,
        Metric::kTrainingTokensAssumed, Metric::kEqualQualityDenseParams}},
      {"Model",
       {Metric::kParamsTotal, Metric::kParamsActive, Metric::kWeightsReadPerOutputTokenBytes}},
  };
  return kGroups;
}

const std::vector<KeyColumn>& key_columns() {
  static const std::vector<KeyColumn> kColumns = {
      {Metric::kCostPerMillionOutputTokens, "cost/M output", true},
      {Metric::kEnergyPerOutputToken, "energy/token", true},
      {Metric::kOutputTokensPerSecond, "output rate", false},
      {Metric::kTtftP99, "TTFT P99", true},
      {Metric::kTpotP99, "TPOT P99", true},
      {Metric::kTimeCommunicationShare, "comm. time", true},
      {Metric::kDeviceTimeUsedShare, "used time", false},
      {Metric::kMemoryNeededBytes, "memory", true},
  };
  return kColumns;
}

}  // namespace moesim
