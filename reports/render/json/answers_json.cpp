#include "reports/render/json/answers_json.h"

#include <nlohmann/json.hpp>

#include "reports/analysis/pareto.h"
#include "reports/render/words/break_even_words.h"
#include "reports/render/words/demand_words.h"
#include "reports/render/words/verdict_words.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;
using Cases = std::vector<CaseReport>;

Json value_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json keys_of(const std::vector<Metric>& metrics) {
  Json keys = Json::array();
  for (const Metric key : metrics) keys.push_back(metric_row(key).key);
  return keys;
}

Json pareto_json(const Cases& cases) {
  const ParetoFront front = pareto_front(cases);
  Json members = Json::array();
  const std::vector<std::string> paths = swept_paths(cases);
  for (const std::size_t i : front.members) {
    Json values = Json::object();
    for (const Metric key : front.objectives)
      values[metric_row(key).key] = *objective(cases[i], key);
    members.push_back({{"row", i}, {"case", case_title(cases[i], paths)}, {"values", values}});
  }
  return {{"objectives", keys_of(front.objectives)},
          {"left_out", keys_of(front.left_out)},
          {"quality_extrapolated", front.extrapolated},
          {"training_tokens_assumed", front.assumed},
          {"members", members}};
}

Json curve_json(const BreakEvenCurve& curve) {
  Json points = Json::array(), crossings = Json::array();
  for (const BreakEvenPoint& point : curve.points)
    points.push_back({{"setting", point.setting},
                      {"moe", point.moe},
                      {"dense", point.dense},
                      {"tie", point.tie}});
  for (const Crossing& crossing : curve.crossings) {
    crossings.push_back({{"at", crossing.at},
                         {"between", {crossing.before, crossing.after}},
                         {"moe_wins_after", crossing.moe_wins_after},
                         {"reason", turning_text(crossing)}});
  }
  return {{"moe", curve.moe},
          {"dense", curve.dense},
          {"path", curve.path},
          {"unit", curve.unit},
          {"settings", shared_settings(curve)},
          {"quantity", metric_row(Metric::kCostPerMillionOutputTokens).key},
          {"points", points},
          {"crossings", crossings},
          {"words", break_even_sentence(curve)}};
}

Json break_even_json(const Cases& cases) {
  Json curves = Json::array();
  for (const BreakEvenCurve& curve : break_even_curves(cases)) curves.push_back(curve_json(curve));
  return curves;
}

Json bill_json(const Bill& bill) {
  return {{"output_tokens_per_month", bill.tokens},
          {"cost_per_month_usd", value_or_null(bill.cost_usd)},
          {"energy_per_month_kwh", value_or_null(bill.energy_kwh)},
          {"carbon_per_month_kg", value_or_null(bill.carbon_kg)}};
}

Json demand_json(const Cases& cases, const DemandResponse& response) {
  Json rows = Json::array();
  const std::vector<std::string> paths = swept_paths(cases);
  const DemandBills bills = demand_bills(cases, response);
  for (const DemandRow& row : bills.rows) {
    rows.push_back({{"row", row.row},
                    {"case", case_title(cases[row.row], paths)},
                    {"reference_row", row.reference},
                    {"price_over_reference", row.price_ratio},
                    {"demand_over_traffic", row.growth},
                    {"at_traffic", bill_json(row.as_asked)},
                    {"at_demand", bill_json(row.at_demand)},
                    {"energy_rebound_share", value_or_null(row.rebound)}});
  }
  return {{"elasticity", response.elasticity},
          {"reference", reference_text(cases, bills)},
          {"rows", rows},
          {"words", demand_sentence(cases, response, bills)}};
}

}  // namespace

Json answers_json(const Report& report) {
  return {{"verdict", verdict_text(report)},
          {"pareto", pareto_json(report.cases)},
          {"break_even", break_even_json(report.cases)},
          {"demand", report.demand ? demand_json(report.cases, *report.demand) : Json(nullptr)}};
}

}  // namespace moesim
