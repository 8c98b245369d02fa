// Pareto front, break-even and the whole bill on the page, as tables that can be read aloud.
#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/break_even.h"
#include "reports/analysis/demand.h"
#include "reports/analysis/pareto.h"
#include "reports/render/format.h"
#include "reports/render/html/html.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

constexpr std::size_t kMostCurves = 50;

std::string cell(const std::optional<double>& value, std::string_view unit) {
  if (!value) return "<td class=\"absent\">&ndash;</td>";
  return fmt::format("<td data-value=\"{}\">{}</td>", exact_number(*value),
                     html_text(readable(*value, unit)));
}

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
  const std::vector<DemandRow> rows = demand_rows(view.report.cases, *view.report.demand);
  const std::string head =
      fmt::format("<h3>The whole bill a month</h3><p>{}</p>",
                  html_text(demand_sentence(view.report.cases, *view.report.demand)));
  if (rows.empty()) return head;
  std::string table =
      "<table><thead><tr><th scope=\"col\">case</th><th scope=\"col\">price</th>"
      "<th scope=\"col\">demand</th><th scope=\"col\">cost at traffic</th>"
      "<th scope=\"col\">cost at demand</th><th scope=\"col\">energy at traffic</th>"
      "<th scope=\"col\">energy at demand</th><th scope=\"col\">carbon at demand</th>"
      "<th scope=\"col\">energy saving taken back</th></tr></thead><tbody>\n";
  for (const DemandRow& row : rows) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(view.title(row.row)));
    table += cell(row.price_ratio, "ratio") + cell(row.growth, "ratio") +
             cell(row.as_asked.cost_usd, "USD") + cell(row.at_demand.cost_usd, "USD") +
             cell(row.as_asked.energy_kwh, "kWh") + cell(row.at_demand.energy_kwh, "kWh") +
             cell(row.at_demand.carbon_kg, "kg") + cell(row.rebound, "share") + "</tr>\n";
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
