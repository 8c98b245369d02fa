#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "reports/results/case_report_json.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

CaseReport example() {
  CaseReport report = examples::done("moe", true, examples::summary(true));
  report.point = {{"moe.model.top_k", "2"}, {"workload.requests.poisson", "8/s"}};
  report.baselines = {examples::done("moe (balanced routing)", true, examples::summary(true))};
  return report;
}

TEST(CaseReport, ComesBackFromJsonExactly) {
  CaseReport report = example();
  report.metrics[0] = 0.1 + 0.2;  // No short decimal.
  const CaseReport back = case_report_from_json(Json::parse(to_json(report).dump()));
  EXPECT_EQ(back.metrics, report.metrics);
  EXPECT_EQ(back.point, report.point);
  EXPECT_EQ(back.routing.load, report.routing.load);
  EXPECT_EQ(back.baselines.size(), 1u);
  EXPECT_EQ(back.ttft_curve_s, report.ttft_curve_s);
  EXPECT_EQ(back.queue.size(), 3u);
  EXPECT_EQ(to_json(back).dump(), to_json(report).dump());
}

TEST(CaseReport, WithoutMetricsComesBackFromJson) {
  CaseReport skipped;
  skipped.name = "moe";
  skipped.status = CaseStatus::kSkipped;
  const CaseReport back = case_report_from_json(to_json(skipped));
  EXPECT_EQ(back.status, CaseStatus::kSkipped);
  EXPECT_FALSE(metric(back, Metric::kTtftP99));
}

TEST(CaseReport, OfAnInfeasibleCaseHasMemoryAlone) {
  MemoryLedger memory = examples::memory();
  memory.shortfall = Bytes(5e9);
  const CaseReport report = make_infeasible_report(examples::deployment("moe", true), memory,
                                                   "needs 77 GB of 72 GB", "tp 4 on 4 devices");
  EXPECT_EQ(report.status, CaseStatus::kInfeasible);
  EXPECT_EQ(metric(report, Metric::kMemoryShortfallBytes), 5e9);
  EXPECT_FALSE(metric(report, Metric::kOutputTokensPerSecond));
  EXPECT_FALSE(metric(report, Metric::kRequestsCompleted));
}

TEST(CaseReport, RefusesNumbersThatAreNotFinite) {
  Summary broken = examples::summary(true);
  broken.mean_batch = std::numeric_limits<double>::infinity();
  EXPECT_THROW(examples::done("moe", true, broken), std::logic_error);
}

TEST(CaseReport, SaysHardwareAndLayoutInWords) {
  const CaseReport report = example();
  EXPECT_EQ(report.hardware, "1 x duo (2 x card)");
  EXPECT_EQ(report.layout, "tp 2");
}

TEST(CaseReport, KeepsTheFactsOfEveryProfile) {
  Deployment deployment = examples::deployment("moe", true);
  deployment.site.facts = {{"sites/here: pue", "1.2", "assumed", "assumption", Enters::kEnergy}};
  const CaseReport report = make_case_report(deployment, {}, examples::summary(true));
  ASSERT_EQ(report.facts.size(), 2u + 3u);  // And the three that predicted quality rests on.
  EXPECT_EQ(report.facts[1].path, "sites/here: pue");
}

}  // namespace
}  // namespace moesim
