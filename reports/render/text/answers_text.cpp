#include "reports/render/text/answers_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/text/text_table.h"
#include "reports/render/words/break_even_words.h"
#include "reports/render/words/demand_words.h"
#include "reports/render/words/format.h"
#include "reports/render/words/pareto_words.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostCurves = 8;

std::string paragraph(const std::string& text, int width) {
  return text.empty() ? "" : wrapped_text(text, width) + "\n";
}

std::string amount(const std::optional<double>& number, const char* unit) {
  return number ? readable_number(*number) + " " + unit : "-";
}

TextTable bill_table(const std::vector<CaseReport>& cases, const DemandBills& bills) {
  const std::vector<std::string> paths = swept_paths(cases);
  TextTable table;
  table.header = {"a month",
                  "price",
                  "demand",
                  "cost at traffic",
                  "cost at demand",
                  "energy at traffic",
                  "energy at demand",
                  "carbon at demand",
                  "energy saving taken back"};
  for (const DemandRow& row : bills.rows) {
    table.rows.push_back(
        {printable(case_title(cases[row.row], paths)), fmt::format("x {:.2f}", row.price_ratio),
         fmt::format("x {:.2f}", row.growth), amount(row.as_asked.cost_usd, "USD"),
         amount(row.at_demand.cost_usd, "USD"), amount(row.as_asked.energy_kwh, "kWh"),
         amount(row.at_demand.energy_kwh, "kWh"), amount(row.at_demand.carbon_kg, "kg"),
         row.rebound ? fmt::format("{:.0f} %", 100 * *row.rebound) : "-"});
  }
  return table;
}

// A table and what to make of it.
std::string demand_text(const std::vector<CaseReport>& cases, const DemandResponse& response,
                        int width) {
  const DemandBills bills = demand_bills(cases, response);
  return wrapped_text(demand_sentence(cases, response, bills), width) +
         (bills.rows.empty() ? "" : render(bill_table(cases, bills), width));
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
  if (report.demand) text += demand_text(report.cases, *report.demand, width) + "\n";
  return text;
}

}  // namespace moesim
