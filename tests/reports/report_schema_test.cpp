#include "reports/render/json/report_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/render/json/report_json.h"
#include "tests/reports/examples.h"
#include "tests/reports/json_schema.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// Everything that a report may hold: baselines, draws, rebalancing, training, an infeasible case.
Report full_report() {
  Report report = examples::two_cases();
  CaseReport moe = examples::with_baselines();
  moe.routing.periods.resize(1);
  moe.routing.training.resize(1);
  moe.network.links.resize(2);
  moe.network.links[0].doubled_gain = 0.1;
  moe.samples.assign(10, moe.metrics);
  moe.samples[3].clear();
  moe.point = {{"moe.model.top_k", "2"}};
  report.cases.push_back(moe);
  report.demand = DemandResponse{};
  report.cases.push_back(make_infeasible_report(examples::deployment("big", false),
                                                examples::memory(), "too large", "tp 4"));
  return report;
}

// Calls `visit` with every object below and including `json`.
template <class Visit>
void for_each_object(Json& json, const Visit& visit) {
  for (Json& item : json)
    if (item.is_structured()) for_each_object(item, visit);
  if (json.is_object()) visit(json);
}

TEST(ReportSchema, EveryReportFits) {
  const SchemaCheck check(report_schema());
  Report report = full_report();
  EXPECT_EQ(check.fault(report_json(report)), "");
  report.cases.resize(kMostDetailedCases + 1, report.cases.front());
  EXPECT_EQ(check.fault(report_json(report)), "");
  EXPECT_EQ(check.fault(report_json(Report{})), "");
}

TEST(ReportSchema, NoUnknownKeyFitsAnywhereButAmongSettings) {
  const SchemaCheck check(report_schema());
  Json report = report_json(full_report());
  Json& meanings = report["context"]["metrics"];
  meanings = {{"ttft_p99_s", meanings["ttft_p99_s"]}};  // One stands for all; it is faster.
  std::size_t objects = 0, open = 0;
  for_each_object(report, [&](Json& object) {
    ++objects;
    object["surprise"] = 1;
    open += check.fault(report).empty() ? 1 : 0;
    object.erase("surprise");
  });
  EXPECT_GT(objects, 40u);
  EXPECT_EQ(open, 1u);  // The counts by confidence; a setting is text.
}

TEST(ReportSchema, EveryMetricIsRequiredAndANumberOrNull) {
  const SchemaCheck check({{"$ref", "#/$defs/metrics"}, {"$defs", report_schema()["$defs"]}});
  const Json metrics = report_json(examples::two_cases())["cases"][0]["metrics"];
  for (const MetricRow& entry : metric_table()) {
    Json changed = metrics;
    changed.erase(entry.key);
    EXPECT_NE(check.fault(changed), "") << entry.key;
    changed[entry.key] = "1";
    EXPECT_NE(check.fault(changed), "") << entry.key;
    changed[entry.key] = nullptr;
    EXPECT_EQ(check.fault(changed), "") << entry.key;
  }
}

}  // namespace
}  // namespace moesim
