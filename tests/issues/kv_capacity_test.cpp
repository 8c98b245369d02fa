// The KV capacity of a deployment is stated beside that of one attention-DP rank; a deployment with
// eight ranks once seemed to hold less than one whose single rank spans all devices.
#include <gtest/gtest.h>

#include "reports/results/case_report.h"
#include "sim/deployment/expert_memory.h"
#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

// The model has MLA: every rank of a TP group keeps the whole cache.
CaseReport report_of(const std::string& plan) {
  const std::string text = changed(kDense, "qwen3-8b", "deepseek-v2-lite");
  const Scenario scenario = read_text(text + "    parallel: " + plan + "\n");
  const Deployment& deployment = scenario.cases.at(0).deployment;
  return make_infeasible_report(deployment, memory_ledger(deployment, nullptr), "not run", "");
}

TEST(KvCapacity, IsOfOneRankAndOfAllOfThem) {
  const CaseReport one = report_of("{tp: 8}");
  const CaseReport eight = report_of("{tp: 1, attention_dp: 8, ep: 8}");
  const CaseReport copies = report_of("{tp: 4, replicas: 2}");
  const auto rank = [](const CaseReport& report) {
    return metric(report, Metric::kKvCapacityTokens).value();
  };
  const auto whole = [](const CaseReport& report) {
    return metric(report, Metric::kKvCapacityTotalTokens).value();
  };
  EXPECT_EQ(whole(one), rank(one));
  EXPECT_EQ(whole(eight), 8 * rank(eight));
  EXPECT_EQ(whole(copies), 2 * rank(copies));
  EXPECT_NEAR(whole(eight) / whole(one), 8, 0.8);
}

}  // namespace
}  // namespace moesim
