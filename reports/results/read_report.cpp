#include "reports/results/read_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "reports/metrics/metric.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& file, const std::string& path) {
  throw InputError({{file, 0, path, "", "a report.json that moesim run has written"}});
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// No run makes a larger number, and their products are still numbers.
constexpr double kLargest = 1e60;

// A baseline has no baselines of its own.
enum class Nesting { kCase, kBaseline };

CaseReport read_case(const Json& json, const std::string& file, const std::string& path,
                     Nesting nesting = Nesting::kCase) {
  if (!json.is_object() || !json.contains("metrics") || !json["metrics"].is_object()) {
    refuse(file, path);
  }
  CaseReport report;
  report.name = text_of(json, "name");
  report.model = text_of(json, "model");
  report.reason = text_of(json, "reason");
  const std::string status = text_of(json, "status");
  if (status == status_name(CaseStatus::kInfeasible)) report.status = CaseStatus::kInfeasible;
  if (status == status_name(CaseStatus::kSkipped)) report.status = CaseStatus::kSkipped;
  if (status == status_name(CaseStatus::kFailed)) report.status = CaseStatus::kFailed;
  if (const auto point = json.find("point"); point != json.end() && point->is_object()) {
    for (const auto& [key, value] : point->items())
      if (value.is_string()) report.point.emplace_back(key, value.get<std::string>());
  }
  for (const MetricRow& entry : metric_table()) {
    const auto found = json["metrics"].find(entry.key);
    const bool known = found != json["metrics"].end() && found->is_number();
    report.metrics.push_back(known ? std::optional(found->get<double>()) : std::nullopt);
    if (known && !(std::abs(*report.metrics.back()) <= kLargest)) {
      refuse(file, path + ".metrics." + entry.key);
    }
  }
  const auto twins = json.find("baselines");
  if (nesting == Nesting::kCase && twins != json.end() && twins->is_array()) {
    for (const Json& twin : *twins) {
      report.baselines.push_back(read_case(twin, file, path, Nesting::kBaseline));
    }
  }
  return report;
}

}  // namespace

std::vector<CaseReport> read_report(const std::string& text, const std::string& file) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("cases") || !json["cases"].is_array()) refuse(file, "");
  std::vector<CaseReport> cases;
  for (const Json& row : json["cases"])
    cases.push_back(read_case(row, file, "cases[" + std::to_string(cases.size()) + "]"));
  return cases;
}

}  // namespace moesim
