#include "reports/results/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "reports/render/key_metrics.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

using examples::done;

double value(const CaseReport& report, const std::string& key) {
  const std::optional<double> found = metric(report, key);
  EXPECT_TRUE(found.has_value()) << key;
  return found.value_or(-1);
}

TEST(MetricTable, HasEveryKeyOnce) {
  std::set<std::string> keys;
  for (const Metric& entry : metric_table())
    EXPECT_TRUE(keys.insert(entry.key).second) << entry.key;
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
  for (const Metric& entry : metric_table()) {
    if (plain.contains(entry.unit)) continue;
    ASSERT_TRUE(suffixes.contains(entry.unit)) << entry.key << " in " << entry.unit;
    bool ends = false;
    for (const std::string& suffix : suffixes.at(entry.unit)) ends |= entry.key.ends_with(suffix);
    EXPECT_TRUE(ends) << entry.key << " in " << entry.unit;
  }
}

TEST(MetricTable, ExplainsEveryMetricInASentence) {
  for (const Metric& entry : metric_table()) {
    EXPECT_FALSE(entry.label.empty()) << entry.key;
    EXPECT_TRUE(entry.meaning.ends_with(".")) << entry.key;
  }
}

// Each device works in kernels for 50 s of its 100.
TEST(MeasuredShare, IsOfTheTimeInKernels) {
  Summary summary = examples::summary(false);
  EXPECT_EQ(value(done("dense", false, summary), "kernel_time_measured_share"), 0);
  summary.devices[0].measured = Seconds(40);
  EXPECT_DOUBLE_EQ(value(done("dense", false, summary), "kernel_time_measured_share"), 0.4);
}

TEST(MetricTable, KnowsEveryKeyMetric) {
  for (const KeyGroup& group : key_groups())
    for (const std::string_view key : group.keys) EXPECT_EQ(metric_named(key).key, key);
  for (const KeyColumn& column : key_columns()) EXPECT_EQ(metric_named(column.key).key, column.key);
}

TEST(Cost, IsRentalOfAllDevicesOverTheTokens) {
  // 2 devices * 3.6 USD/h * 100 s = 0.2 USD for 100,000 output and 1,000,000 input tokens.
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, "cost_total_usd"), 0.2, 1e-12);
  EXPECT_NEAR(value(report, "cost_per_million_output_tokens_usd"), 2.0, 1e-12);
  EXPECT_NEAR(value(report, "cost_per_million_tokens_usd"), 0.2 / 1.1, 1e-12);
  EXPECT_NEAR(value(report, "cost_per_month_usd"), 7.2 * 730, 1e-9);
}

TEST(Cost, OfInputAndNetOutputTokensAddsUpToTheWhole) {
  const CaseReport report = done("moe", true, examples::summary(true));
  const double input = value(report, "cost_per_million_input_tokens_usd") * 1.0;
  const double output = value(report, "cost_per_million_output_tokens_net_usd") * 0.1;
  EXPECT_NEAR(input + output, value(report, "cost_total_usd"), 1e-12);
}

TEST(Cost, OfInputTokensFollowsThePromptsShareOfTheEnergy) {
  // 20 of 80 kJ in steps went to prompts: a quarter of 0.2 USD for one million input tokens.
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, "cost_per_million_input_tokens_usd"), 0.05, 1e-12);
  EXPECT_NEAR(value(report, "energy_prefill_per_input_token_j"), 0.02, 1e-12);
  EXPECT_NEAR(value(report, "energy_decode_per_output_token_j"), 0.6, 1e-12);
}

TEST(Cost, ByActivityAddsUpToTheWhole) {
  const CaseReport report = done("moe", true, examples::summary(true));
  double sum = 0;
  for (const char* activity :
       {"compute", "memory", "communication", "overhead", "imbalance_wait", "idle", "unallocated"})
    sum += value(report, std::string("cost_") + activity + "_per_million_output_tokens_usd");
  EXPECT_NEAR(sum, 2.0, 1e-12);
}

TEST(Cost, OfARentalContainsElectricity) {
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, "cost_electricity_usd"), 150e3 * 1e-7, 1e-12);
  EXPECT_EQ(metric(report, "cost_total_usd"), metric(report, "cost_rent_usd"));
}

TEST(Cost, OfAPurchaseIsAmortisationAndElectricity) {
  Deployment bought = examples::deployment("moe", true);
  bought.cluster.node.device.rent_usd_per_hour = 0;
  bought.cluster.node.device.price_usd = 35'040;  // One dollar an hour over four years.
  const CaseReport report = make_case_report(bought, {}, examples::summary(true));
  EXPECT_NEAR(value(report, "cost_amortisation_usd"), 2.0 * 100 / 3600, 1e-12);
  EXPECT_NEAR(value(report, "cost_total_usd"), 2.0 * 100 / 3600 + 0.015, 1e-12);
  EXPECT_FALSE(metric(report, "cost_rent_usd"));
}

TEST(Cost, IsAbsentAndNotZeroWithoutAPrice) {
  Deployment unknown = examples::deployment("moe", true);
  unknown.cluster.node.device.rent_usd_per_hour = 0;
  unknown.site = SiteSpec{};
  const CaseReport report = make_case_report(unknown, {}, examples::summary(true));
  for (const Metric& entry : metric_table()) {
    const bool money = entry.unit == "USD";
    EXPECT_FALSE(money && metric(report, entry.key)) << entry.key;
  }
}

TEST(Cost, TakesTheScenariosPriceBeforeTheProfiles) {
  Deployment own = examples::deployment("moe", true);
  own.rent_usd_per_hour = 1.8;
  const CaseReport report = make_case_report(own, {}, examples::summary(true));
  EXPECT_NEAR(value(report, "cost_per_hour_usd"), 3.6, 1e-12);
}

TEST(DeviceTime, CountsDevicesThatNoRankUses) {
  Deployment half = examples::deployment("moe", true);
  half.cluster.node.devices = 4;
  Summary summary = examples::summary(true);
  DeviceLedger spare;
  spare.add(Activity::kIdle, summary.horizon, Joules(7));
  summary.devices.insert(summary.devices.end(), 2, spare);
  const CaseReport report = make_case_report(half, {}, summary);
  EXPECT_NEAR(value(report, "energy_devices_unallocated_j"), 14, 1e-12);
  EXPECT_NEAR(value(report, "time_unallocated_s"), 200, 1e-12);
  EXPECT_NEAR(value(report, "device_time_allocated_share"), 0.5, 1e-12);
  EXPECT_NEAR(value(report, "device_time_used_share"), 0.375, 1e-12);
  EXPECT_NEAR(value(report, "device_time_idle_share"), 0.625, 1e-12);
}

TEST(DeviceTime, SharesAddUpToOne) {
  const CaseReport report = done("moe", true, examples::summary(true));
  double sum = 0;
  for (const char* activity :
       {"compute", "memory", "communication", "overhead", "imbalance_wait", "idle", "unallocated"})
    sum += value(report, std::string("time_") + activity + "_share");
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(Energy, IsSplitPerOutputTokenByComponent) {
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, "energy_per_output_token_j"), 1.5, 1e-12);
  EXPECT_NEAR(value(report, "energy_devices_per_output_token_j"), 1.0, 1e-12);
  EXPECT_NEAR(value(report, "average_power_w"), 1500, 1e-9);
  EXPECT_NEAR(value(report, "energy_per_month_kwh"), 1.5 * 730, 1e-9);
  EXPECT_NEAR(value(report, "carbon_per_million_output_tokens_kg"), 0.15, 1e-12);
}

TEST(Memory, ItemsAddUpToTheWholeDevice) {
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, "memory_needed_bytes") + value(report, "kv_pool_bytes") +
                  value(report, "memory_reserve_bytes"),
              value(report, "device_memory_bytes"), 1);
  EXPECT_NEAR(value(report, "kv_peak_bytes"), 10e9, 1);
}

TEST(Latency, IsAbsentAndNotZeroWithoutACompletedRequest) {
  Summary none;
  none.memory = examples::memory();
  none.horizon = Seconds(100);
  none.devices = {examples::device(), examples::device()};
  const CaseReport report = done("moe", true, none);
  EXPECT_FALSE(metric(report, "ttft_p99_s"));
  EXPECT_FALSE(metric(report, "cost_per_million_output_tokens_usd"));
  EXPECT_FALSE(metric(report, "energy_per_output_token_j"));
  EXPECT_EQ(value(report, "requests_completed"), 0);
}

TEST(ServiceLevel, IsMetAtTheLimitAndMissedBelowIt) {
  Workload workload;
  workload.slo.ttft_p99 = Seconds(1.0);
  EXPECT_EQ(value(done("at", true, examples::summary(true), workload), "slo_met"), 1);
  workload.slo.ttft_p99 = Seconds(0.999);
  EXPECT_EQ(value(done("below", true, examples::summary(true), workload), "slo_met"), 0);
}

TEST(ServiceLevel, IsAbsentWhenNoneIsGiven) {
  EXPECT_FALSE(metric(done("moe", true, examples::summary(true)), "slo_met"));
}

TEST(WeightsRead, LeavesOutExpertsThatAreNotHit) {
  // 4 of 8 experts: half of 30 GB, and 10 GB of attention, on 2 ranks, over 20 sequences.
  const CaseReport report = done("moe", true, examples::summary(true));
  EXPECT_NEAR(value(report, "weights_read_per_output_token_bytes"), 2 * 25e9 / 20, 1);
}

TEST(Routing, IsAbsentForDenseModels) {
  EXPECT_FALSE(metric(done("dense", false, examples::summary(false)), "expert_load_gini"));
}

TEST(Communication, IsTheSumOfItsKinds) {
  Summary summary = examples::summary(true);
  summary.traffic.dispatch = Bytes(4e11);
  summary.traffic.combine = Bytes(5e11);
  summary.traffic.weight_moves = Bytes(1e11);
  const CaseReport report = done("moe", true, summary);
  EXPECT_EQ(value(report, "comm_total_bytes"), 2e12);
  EXPECT_EQ(value(report, "comm_weight_moves_bytes"), 1e11);
  EXPECT_EQ(value(report, "comm_weight_moves_bytes_per_output_token"), 1e6);
}

}  // namespace
}  // namespace moesim
