#include <gtest/gtest.h>

#include <map>
#include <set>

#include "reports/metrics/metric.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

using examples::done;

double value(const CaseReport& report, Metric key) {
  const std::optional<double> found = metric(report, key);
  EXPECT_TRUE(found.has_value()) << metric_row(key).key;
  return found.value_or(-1);
}

TEST(MetricTable, HasEveryKeyOnce) {
  std::set<std::string> keys;
  for (const MetricRow& entry : metric_table())
    EXPECT_TRUE(keys.insert(entry.key).second) << entry.key;
}

TEST(MetricTable, HasARowForEveryMetricInTheirOrder) {
  ASSERT_EQ(metric_table().size(), static_cast<std::size_t>(Metric::kNumMetrics));
  for (std::size_t i = 0; i < metric_table().size(); ++i)
    EXPECT_EQ(metric_table()[i].metric, static_cast<Metric>(i)) << metric_table()[i].key;
  EXPECT_EQ(metric_row(Metric::kTtftP99).key, "ttft_p99_s");
}

TEST(MetricTable, PutsTheUnitIntoTheKey) {
  const std::map<std::string, std::vector<std::string>> suffixes = {
      {"s", {"_s"}},
      {"J", {"_j"}},
      {"W", {"_w"}},
      {"kg", {"_kg"}},
      {"kWh", {"_kwh"}},
      {"USD", {"_usd"}},
      {"nat", {"_nats"}},
      {"B/s", {"_bytes_per_s"}},
      {"share", {"_share", "_share_of_busy_time"}},
      {"token", {"_tokens"}},
      {"request/s", {"requests_per_s"}},
      {"token/s", {"tokens_per_s", "tokens_per_s_per_device"}},
      {"B", {"_bytes", "_bytes_per_token", "_bytes_per_output_token"}}};
  const std::set<std::string> plain = {"count", "ratio", "0/1"};
  for (const MetricRow& entry : metric_table()) {
    if (plain.contains(entry.unit)) continue;
    ASSERT_TRUE(suffixes.contains(entry.unit)) << entry.key << " in " << entry.unit;
    bool ends = false;
    for (const std::string& suffix : suffixes.at(entry.unit)) ends |= entry.key.ends_with(suffix);
    EXPECT_TRUE(ends) << entry.key << " in " << entry.unit;
  }
}

TEST(MetricTable, ExplainsEveryMetricInASentence) {
  for (const MetricRow& entry : metric_table()) {
    EXPECT_FALSE(entry.label.empty()) << entry.key;
    EXPECT_TRUE(entry.meaning.ends_with(".")) << entry.key;
  }
}

// Each device works in kernels for 50 s of its 100.
TEST(MeasuredShare, IsOfTheTimeInKernels) {
  Summary summary = examples::summary(false);
  EXPECT_EQ(value(done("dense", false, summary), Metric::kKernelTimeMeasuredShare), 0);
  summary.devices[0].measured = Seconds(40);
  EXPECT_DOUBLE_EQ(value(done("dense", false, summary), Metric::kKernelTimeMeasuredShare), 0.4);
}

TEST(Cost, IsRentalOfAllDevicesOverTheTokens) {
  // 2 devices * 3.6 USD/h * 100 s = 0.2 USD for 100,000 output and 1,000,000 input tokens.
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kCostTotal), 0.2, 1e-12);
  EXPECT_NEAR(value(report, Metric::kCostPerMillionOutputTokens), 2.0, 1e-12);
  EXPECT_NEAR(value(report, Metric::kCostPerMillionTokens), 0.2 / 1.1, 1e-12);
  EXPECT_NEAR(value(report, Metric::kCostPerMonth), 7.2 * 730, 1e-9);
}

TEST(Cost, OfInputAndNetOutputTokensAddsUpToTheWhole) {
  const CaseReport report = done("moe", true, examples::summary(true));
  const double input = value(report, Metric::kCostPerMillionInputTokens) * 1.0;
  const double output = value(report, Metric::kCostPerMillionOutputTokensNet) * 0.1;
  EXPECT_NEAR(input + output, value(report, Metric::kCostTotal), 1e-12);
}

TEST(Cost, OfInputTokensFollowsThePromptsShareOfTheEnergy) {
  // 20 of 80 kJ in steps went to prompts: a quarter of 0.2 USD for one million input tokens.
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kCostPerMillionInputTokens), 0.05, 1e-12);
  EXPECT_NEAR(value(report, Metric::kEnergyPrefillPerInputToken), 0.02, 1e-12);
  EXPECT_NEAR(value(report, Metric::kEnergyDecodePerOutputToken), 0.6, 1e-12);
}

TEST(Cost, ByActivityAddsUpToTheWhole) {
  const CaseReport report = done("moe", true, examples::summary(true));
  double sum = 0;
  for (const Metric part :
       {Metric::kCostComputePerMillionOutputTokens, Metric::kCostMemoryPerMillionOutputTokens,
        Metric::kCostCommunicationPerMillionOutputTokens,
        Metric::kCostOverheadPerMillionOutputTokens,
        Metric::kCostImbalanceWaitPerMillionOutputTokens, Metric::kCostIdlePerMillionOutputTokens,
        Metric::kCostUnallocatedPerMillionOutputTokens})
    sum += value(report, part);
  EXPECT_NEAR(sum, 2.0, 1e-12);
}

TEST(Cost, OfARentalContainsElectricity) {
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kCostElectricity), 150e3 * 1e-7, 1e-12);
  EXPECT_EQ(metric(report, Metric::kCostTotal), metric(report, Metric::kCostRent));
}

TEST(Cost, OfAPurchaseIsAmortisationAndElectricity) {
  Deployment bought = examples::deployment("moe", true);
  bought.cluster.node.device.rent = 0;
  bought.cluster.node.device.price = 35'040;  // One dollar an hour over four years.
  const CaseReport report = make_case_report(bought, {}, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kCostAmortisation), 2.0 * 100 / 3600, 1e-12);
  EXPECT_NEAR(value(report, Metric::kCostTotal), 2.0 * 100 / 3600 + 0.015, 1e-12);
  EXPECT_FALSE(metric(report, Metric::kCostRent));
}

TEST(Cost, IsAbsentAndNotZeroWithoutAPrice) {
  Deployment unknown = examples::deployment("moe", true);
  unknown.cluster.node.device.rent = 0;
  const CaseReport report = make_case_report(unknown, {}, examples::summary(true));
  for (const MetricRow& entry : metric_table()) {
    const bool money = entry.unit == "USD" && entry.key.find("electricity") == std::string::npos;
    EXPECT_FALSE(money && metric(report, entry.metric)) << entry.key;
  }
}

TEST(Cost, TakesTheScenariosPriceBeforeTheProfiles) {
  Deployment own = examples::deployment("moe", true);
  own.rent_per_device = 1.8;
  const CaseReport report = make_case_report(own, {}, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kCostPerHour), 3.6, 1e-12);
}

TEST(DeviceTime, CountsDevicesThatNoRankUses) {
  Deployment half = examples::deployment("moe", true);
  half.cluster.node.devices = 4;
  Summary summary = examples::summary(true);
  DeviceLedger spare;
  spare.add(Activity::kIdle, summary.horizon, Joules(7));
  summary.devices.insert(summary.devices.end(), 2, spare);
  const CaseReport report = make_case_report(half, {}, summary);
  EXPECT_NEAR(value(report, Metric::kEnergyDevicesUnallocated), 14, 1e-12);
  EXPECT_NEAR(value(report, Metric::kTimeUnallocated), 200, 1e-12);
  EXPECT_NEAR(value(report, Metric::kDeviceTimeAllocatedShare), 0.5, 1e-12);
  EXPECT_NEAR(value(report, Metric::kDeviceTimeUsedShare), 0.375, 1e-12);
  EXPECT_NEAR(value(report, Metric::kDeviceTimeIdleShare), 0.625, 1e-12);
}

TEST(DeviceTime, SharesAddUpToOne) {
  const CaseReport report = done("moe", true, examples::summary(true));
  double sum = 0;
  for (const Metric part :
       {Metric::kTimeComputeShare, Metric::kTimeMemoryShare, Metric::kTimeCommunicationShare,
        Metric::kTimeOverheadShare, Metric::kTimeImbalanceWaitShare, Metric::kTimeIdleShare,
        Metric::kTimeUnallocatedShare})
    sum += value(report, part);
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(Energy, IsSplitPerOutputTokenByComponent) {
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kEnergyPerOutputToken), 1.5, 1e-12);
  EXPECT_NEAR(value(report, Metric::kEnergyDevicesPerOutputToken), 1.0, 1e-12);
  EXPECT_NEAR(value(report, Metric::kAveragePower), 1500, 1e-9);
  EXPECT_NEAR(value(report, Metric::kEnergyPerMonth), 1.5 * 730, 1e-9);
  EXPECT_NEAR(value(report, Metric::kCarbonPerMillionOutputTokens), 0.15, 1e-12);
}

TEST(Memory, ItemsAddUpToTheWholeDevice) {
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kMemoryNeededBytes) + value(report, Metric::kKvPoolBytes) +
                  value(report, Metric::kMemoryReserveBytes),
              value(report, Metric::kDeviceMemoryBytes), 1);
  EXPECT_NEAR(value(report, Metric::kKvPeakBytes), 10e9, 1);
}

TEST(Latency, IsAbsentAndNotZeroWithoutACompletedRequest) {
  Summary none;
  none.memory = examples::memory();
  none.horizon = Seconds(100);
  none.devices = {examples::device(), examples::device()};
  const CaseReport report = done("moe", true, none);
  EXPECT_FALSE(metric(report, Metric::kTtftP99));
  EXPECT_FALSE(metric(report, Metric::kCostPerMillionOutputTokens));
  EXPECT_FALSE(metric(report, Metric::kEnergyPerOutputToken));
  EXPECT_EQ(value(report, Metric::kRequestsCompleted), 0);
}

TEST(ServiceLevel, IsMetAtTheLimitAndMissedBelowIt) {
  Workload workload;
  workload.slo.ttft_p99 = Seconds(1.0);
  EXPECT_EQ(value(done("at", true, examples::summary(true), workload), Metric::kSloMet), 1);
  workload.slo.ttft_p99 = Seconds(0.999);
  EXPECT_EQ(value(done("below", true, examples::summary(true), workload), Metric::kSloMet), 0);
}

TEST(ServiceLevel, IsAbsentWhenNoneIsGiven) {
  EXPECT_FALSE(metric(done("moe", true, examples::summary(true)), Metric::kSloMet));
}

TEST(WeightsRead, LeavesOutExpertsThatAreNotHit) {
  // 4 of 8 experts: half of 30 GB, and 10 GB of attention, on 2 ranks, over 20 sequences.
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, Metric::kWeightsReadPerOutputTokenBytes), 2 * 25e9 / 20, 1);
}

TEST(Routing, IsAbsentForDenseModels) {
  EXPECT_FALSE(metric(done("dense", false, examples::summary(false)), Metric::kExpertLoadGini));
}

TEST(Communication, IsTheSumOfItsKinds) {
  Summary summary = examples::summary(true);
  summary.traffic.dispatch = Bytes(4e11);
  summary.traffic.combine = Bytes(5e11);
  summary.traffic.weight_moves = Bytes(1e11);
  const CaseReport report = done("moe", true, summary);
  EXPECT_EQ(value(report, Metric::kCommTotalBytes), 2e12);
  EXPECT_EQ(value(report, Metric::kCommWeightMovesBytes), 1e11);
  EXPECT_EQ(value(report, Metric::kCommWeightMovesBytesPerOutputToken), 1e6);
}

}  // namespace
}  // namespace moesim
