// Pareto front, break-even and the whole bill on the page, as tables that can be read aloud.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/html/html.h"
#include "reports/render/words/break_even_words.h"
#include "reports/render/words/demand_words.h"
#include "reports/render/words/format.h"
#include "reports/render/words/pareto_words.h"

namespace moesim {
namespace {

constexpr std::size_t kMostCurves = 50;

std::string pareto_html(const HtmlView& view) {
  const std::vector<CaseReport>& cases = view.report.cases;
  const std::string sentence = pareto_sentence(cases);
  if (sentence.empty()) return "";
  return fmt::format("<h3>Pareto front</h3><p>{}</p>{}", html_text(sentence), scatter_figure(view));
}

std::string break_even_html(const HtmlView& view) {
  const std::vector<BreakEvenCurve> curves = break_even_curves(view.report.cases);
  if (curves.empty()) return "";
  std::string list;
  for (std::size_t i = 0; i < std::min(curves.size(), kMostCurves); ++i)
    list += fmt::format("<li>{}</li>\n", html_text(break_even_sentence(curves[i])));
  return fmt::format("<h3>Where MoE and dense break even</h3><ul>{}</ul>", list);
}

std::string demand_html(const HtmlView& view) {
  if (!view.report.demand) return "";
  const DemandBills bills = demand_bills(view.report.cases, *view.report.demand);
  const std::string head =
      fmt::format("<h3>The whole bill a month</h3><p>{}</p>",
                  html_text(demand_sentence(view.report.cases, *view.report.demand, bills)));
  if (bills.rows.empty()) return head;
  std::string table =
      "<table><thead><tr><th scope=\"col\">case</th><th scope=\"col\">price</th>"
      "<th scope=\"col\">demand</th><th scope=\"col\">cost at traffic</th>"
      "<th scope=\"col\">cost at demand</th><th scope=\"col\">energy at traffic</th>"
      "<th scope=\"col\">energy at demand</th><th scope=\"col\">carbon at demand</th>"
      "<th scope=\"col\">energy saving taken back</th></tr></thead><tbody>\n";
  for (const DemandRow& row : bills.rows) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(view.title(row.row)));
    table +=
        value_cell(row.price_ratio, "ratio") + value_cell(row.growth, "ratio") +
        value_cell(row.as_asked.cost_usd, "USD") + value_cell(row.at_demand.cost_usd, "USD") +
        value_cell(row.as_asked.energy_kwh, "kWh") + value_cell(row.at_demand.energy_kwh, "kWh") +
        value_cell(row.at_demand.carbon_kg, "kg") + value_cell(row.rebound, "share") + "</tr>\n";
  }
  return head + scrolled("The whole bill a month", table + "</tbody></table>");
}

}  // namespace

std::string answers_section(const HtmlView& view) {
  const std::string parts = pareto_html(view) + break_even_html(view) + demand_html(view);
  if (parts.empty()) return "";
  return fmt::format("<section><h2>Answers</h2>{}</section>\n", parts);
}

}  // namespace moesim
