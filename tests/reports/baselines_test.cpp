#include "reports/analysis/baselines.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/analysis/ranking.h"
#include "reports/render/html/report_html.h"
#include "reports/render/json/report_json.h"
#include "reports/render/report_csv.h"
#include "reports/render/text/report_text.h"
#include "reports/render/words/baseline_words.h"
#include "reports/render/words/verdict_words.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Report one_case() {
  Report report;
  report.scenario = "baselines";
  report.cases = {examples::with_baselines()};
  return report;
}

TEST(Baseline, DifferencesAreRelativeToTheCase) {
  const CaseReport own = examples::with_baselines();
  const CaseReport& balanced = own.baselines[0];
  // 16 against 20 ms; 100,000 tokens in 80 against 100 s; two devices for 80 against 100 s.
  EXPECT_NEAR(*relative_difference(own, balanced, Metric::kTpotP50), -0.2, 1e-12);
  EXPECT_NEAR(*relative_difference(own, balanced, Metric::kOutputTokensPerSecond), 0.25, 1e-12);
  EXPECT_NEAR(*relative_difference(own, balanced, Metric::kCostPerMillionOutputTokens), -0.2,
              1e-12);
  EXPECT_NEAR(*relative_difference(own, balanced, Metric::kEnergyPerOutputToken), -0.2, 1e-12);
  EXPECT_EQ(*relative_difference(own, balanced, Metric::kMemoryPeakBytes), 0);
}

TEST(Baseline, WithoutAValueThereIsNoDifference) {
  const CaseReport own = examples::with_baselines();
  EXPECT_FALSE(relative_difference(own, own.baselines[1], Metric::kTpotP50));
}

TEST(Baseline, ASharesDifferenceIsNoShareOfIt) {
  const CaseReport own = examples::with_baselines();
  EXPECT_FALSE(relative_difference(own, own.baselines[0], Metric::kImbalanceWaitShareOfBusyTime));
}

TEST(Imbalance, CostsWhatTheBalancedTwinSaves) {
  const auto cost = report_json(one_case())["cases"][0]["imbalance_cost"];
  EXPECT_EQ(cost["tpot_p50_s"]["value"], 0.02);
  EXPECT_EQ(cost["tpot_p50_s"]["balanced"], 0.016);
  EXPECT_NEAR(cost["tpot_p50_s"]["change_share"].get<double>(), 0.25, 1e-12);
  EXPECT_NEAR(cost["energy_per_output_token_j"]["change_share"].get<double>(), 0.25, 1e-12);
  EXPECT_EQ(cost["memory_peak_bytes"]["change_share"], 0);
  EXPECT_TRUE(contains(imbalance_sentence(examples::with_baselines()), "TPOT P50 +25.0 %"));
}

TEST(Imbalance, IsUnknownWithoutABalancedTwin) {
  CaseReport own = examples::with_baselines();
  own.baselines[0].status = CaseStatus::kInfeasible;
  Report report = one_case();
  report.cases = {own};
  EXPECT_TRUE(report_json(report)["cases"][0]["imbalance_cost"].is_null());
  EXPECT_TRUE(imbalance_effects(own).empty());
  EXPECT_EQ(imbalance_sentence(own), "");
}

TEST(Baseline, IsNoCaseToChooseFrom) {
  const Report report = one_case();
  EXPECT_EQ(ranking(report.cases).size(), 1u);
  EXPECT_TRUE(contains(verdict_text(report), "there is no other case to compare it with"));
}

TEST(Baseline, StandsInEveryOutputUnderItsName) {
  const Report report = one_case();
  const std::string csv = report_csv(report);
  EXPECT_TRUE(contains(csv, "\nmoe (balanced routing),done,")) << csv;
  EXPECT_TRUE(contains(csv, ",tp 2,moe,"));
  const auto twin = report_json(report)["cases"][0]["baselines"][0];
  EXPECT_EQ(twin["name"], "moe (balanced routing)");
  EXPECT_FALSE(twin.contains("facts"));
  EXPECT_FALSE(twin["routing"].contains("expert_load"));
  const std::string text = report_text(report, 100);
  EXPECT_TRUE(contains(text, "What other routing would have said")) << text;
  EXPECT_TRUE(contains(text, "16.0 ms (-20.0\u00a0%)")) << text;
  const std::string html = report_html(report);
  EXPECT_TRUE(contains(html, "data-baseline=\"moe (balanced routing)\""));
}

TEST(MemoryPeak, IsTheNeedAndTheKvCacheAtItsFullest) {
  // 52 GB needed, and half of the 20 GB pool in use at the peak.
  EXPECT_NEAR(
      *metric(examples::done("moe", true, examples::summary(true)), Metric::kMemoryPeakBytes), 62e9,
      1);
}

}  // namespace
}  // namespace moesim
