#include "reports/render/json/report_json.h"

#include <nlohmann/json.hpp>

#include "reports/analysis/baselines.h"
#include "reports/analysis/ranking.h"
#include "reports/analysis/uncertainty.h"
#include "reports/render/json/answers_json.h"
#include "reports/render/words/verdict_words.h"
#include "reports/results/case_report_json.h"
#include "reports/results/provenance.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

Json metric_meanings() {
  Json json = Json::object();
  for (const MetricRow& row : metric_table())
    json[row.key] = {{"group", row.group}, {"unit", row.unit}, {"meaning", row.meaning}};
  return json;
}

Json provenance(const Report& report) {
  const std::vector<Fact> facts = distinct_facts(report.cases);
  Json list = Json::array();
  for (const Fact& fact : facts) list.push_back(to_json(fact));
  Json confidence = Json::object();
  for (const auto& [name, count] : facts_by_confidence(facts)) confidence[name] = count;
  return {{"routing", distinct_routings(report.cases)},
          {"facts_by_confidence", confidence},
          {"facts", list}};
}

// P10 and P90 by metric, and the samples themselves of what cases are compared by.
Json uncertainty_json(const CaseReport& report, Metric compared_by) {
  Json intervals = Json::object();
  for (const MetricRow& row : metric_table()) {
    if (const auto range = interval(report, row.metric)) {
      intervals[row.key] = {range->low, range->high};
    }
  }
  Json samples = Json::array();
  for (const CaseMetrics& sample : report.samples) {
    const auto value = metric(sample, compared_by);
    samples.push_back(value ? Json(*value) : Json(nullptr));
  }
  return {{"p10_p90", intervals}, {"draws", {{metric_row(compared_by).key, samples}}}};
}

// Null without a balanced twin.
Json imbalance_json(const CaseReport& report) {
  if (balanced_twin(report) == nullptr) return nullptr;
  Json json = Json::object();
  for (const ImbalanceEffect& effect : imbalance_effects(report))
    json[metric_row(effect.metric).key] = {
        {"value", effect.value}, {"balanced", effect.balanced}, {"change_share", effect.change}};
  return json;
}

Json context_json(const Report& report) {
  Json context;
  context["program"] = "moesim";
  context["version"] = program_version();
  context["schema"] = 1;
  context["scenario"] = report.scenario;
  context["question"] = report.question;
  context["seed"] = report.seed;
  context["interrupted"] = report.interrupted;
  context["verdict"] = verdict_text(report);
  context["resolved_scenario"] = report.resolved;
  context["metrics"] = metric_meanings();
  context["provenance"] = provenance(report);
  return context;
}

}  // namespace

Json report_json(const Report& report) {
  const bool detailed = report.cases.size() <= kMostDetailedCases;
  Json cases = Json::array();
  for (const CaseReport& row : report.cases) {
    Json json = to_json(row, detailed ? JsonScope::kReport : JsonScope::kBrief);
    json["imbalance_cost"] = imbalance_json(row);
    if (!row.samples.empty()) json["doubt"] = uncertainty_json(row, ranking_metric(report.cases));
    cases.push_back(std::move(json));
  }
  return {{"context", context_json(report)},
          {"answers", answers_json(report)},
          {"cases", std::move(cases)}};
}

}  // namespace moesim
