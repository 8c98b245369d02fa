#include "reports/analysis/answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/break_even.h"
#include "reports/analysis/pareto.h"
#include "reports/render/format.h"
#include "reports/render/text_table.h"

namespace moesim {
namespace {

constexpr std::size_t kMostCurves = 8;

std::string paragraph(const std::string& text, int width) {
  if (text.empty()) return "";
  std::string result;
  for (const std::string& line : wrapped(text, width)) result += line + "\n";
  return result + "\n";
}

}  // namespace

std::string answers_text(const Report& report, int width) {
  std::string text = paragraph(pareto_sentence(report.cases), width);
  const std::vector<BreakEvenCurve> curves = break_even_curves(report.cases);
  for (std::size_t i = 0; i < std::min(curves.size(), kMostCurves); ++i)
    text += paragraph(break_even_sentence(curves[i]), width);
  if (curves.size() > kMostCurves) {
    text += paragraph(
        fmt::format("report.json has {} more such comparisons.", curves.size() - kMostCurves),
        width);
  }
  if (report.demand) {
    const std::string demand = demand_text(report.cases, *report.demand, width);
    if (!demand.empty()) text += demand + "\n";
  }
  return text;
}

nlohmann::ordered_json answers_json(const Report& report) {
  nlohmann::ordered_json curves = nlohmann::ordered_json::array();
  for (const BreakEvenCurve& curve : break_even_curves(report.cases))
    curves.push_back(to_json(curve));
  return {{"verdict", verdict(report)},
          {"pareto", to_json(pareto_front(report.cases), report.cases)},
          {"break_even", curves},
          {"demand", report.demand ? demand_json(report.cases, *report.demand)
                                   : nlohmann::ordered_json(nullptr)}};
}

}  // namespace moesim
