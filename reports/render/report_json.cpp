#include "reports/analysis/answers.h"
#include "reports/analysis/baselines.h"
#include "reports/analysis/doubt.h"
#include "reports/analysis/ranking.h"
#include "reports/render/report.h"
#include "reports/results/metrics.h"
#include "reports/results/provenance.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

Json metric_meanings() {
  Json json = Json::object();
  for (const Metric& entry : metric_table())
    json[entry.key] = {{"group", entry.group}, {"unit", entry.unit}, {"meaning", entry.meaning}};
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

// P10 and P90 by metric, and the draws themselves of what cases are compared by.
Json doubt_json(const CaseReport& one, std::string_view compared_by) {
  Json intervals = Json::object();
  for (const Metric& entry : metric_table()) {
    if (const auto range = interval(one, entry.key)) {
      intervals[entry.key] = {range->low, range->high};
    }
  }
  Json draws = Json::array();
  for (const CaseMetrics& draw : one.draws) {
    const auto value = metric_of(draw, compared_by);
    draws.push_back(value ? Json(*value) : Json(nullptr));
  }
  return {{"p10_p90", intervals}, {"draws", {{compared_by, draws}}}};
}

// Of a large sweep, and of every baseline, these would be most of the file.
void erase_details(Json& json) {
  for (const char* detail : {"ttft_curve_s", "tpot_curve_s", "e2e_curve_s", "queue"})
    json.erase(detail);
  for (const char* detail : {"expert_load", "dispatch_bytes_per_token", "rebalancing", "training"})
    json["routing"].erase(detail);
}

}  // namespace

std::string_view program_version() {
  return MOESIM_VERSION;
}

Json report_json(const Report& report) {
  Json context;
  context["program"] = "moesim";
  context["version"] = program_version();
  context["schema"] = 1;
  context["scenario"] = report.scenario;
  context["question"] = report.question;
  context["seed"] = report.seed;
  context["interrupted"] = report.interrupted;
  context["verdict"] = verdict(report);
  context["resolved_scenario"] = report.resolved;
  context["metrics"] = metric_meanings();
  context["provenance"] = provenance(report);
  Json cases = Json::array();
  for (const CaseReport& one : report.cases) {
    Json json = to_json(one);
    json.erase("facts");
    if (report.cases.size() > kMostDetailedCases) erase_details(json);
    json["imbalance_cost"] = imbalance_json(one);
    if (!one.draws.empty()) json["doubt"] = doubt_json(one, ranking_key(report.cases));
    for (Json& twin : json["baselines"]) {
      twin.erase("facts");
      erase_details(twin);
    }
    cases.push_back(std::move(json));
  }
  return {{"context", std::move(context)},
          {"answers", answers_json(report)},
          {"cases", std::move(cases)}};
}

}  // namespace moesim
