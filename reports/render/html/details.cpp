// The end of the page: all numbers, where they come from, and the scenario to run it again.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/html/html.h"
#include "reports/results/provenance.h"

namespace moesim {
namespace {

bool any_has(const HtmlView& view, Metric key) {
  return std::any_of(view.shown.begin(), view.shown.end(),
                     [&](std::size_t i) { return metric(view.report.cases[i], key).has_value(); });
}

std::string group_rows(const HtmlView& view, const std::string& group) {
  std::string rows;
  for (const MetricRow& entry : metric_table()) {
    if (entry.group != group || !any_has(view, entry.metric)) continue;
    rows += fmt::format("<tr><th scope=\"row\">{}<small><code>{}</code> {}</small></th>",
                        html_text(entry.label), entry.key, html_text(entry.meaning));
    for (const std::size_t i : view.shown) rows += metric_cell(view, i, entry.metric);
    rows += "</tr>\n";
  }
  return rows;
}

std::string group_table(const HtmlView& view, const std::string& group) {
  const std::string rows = group_rows(view, group);
  if (rows.empty()) return "";
  std::string head = "<table class=\"numbers\"><thead><tr><td></td>";
  for (const std::size_t i : view.shown)
    head += fmt::format("<th scope=\"col\">{}</th>", html_text(view.title(i)));
  return fmt::format("<details><summary>{}</summary>{}</details>\n", html_text(group),
                     scrolled("All numbers: " + group,
                              head + "</tr></thead><tbody>\n" + rows + "</tbody></table>"));
}

std::string counts_text(const std::vector<Fact>& facts) {
  std::string text;
  for (const auto& [confidence, count] : facts_by_confidence(facts))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, confidence);
  return text;
}

std::string facts_table(const std::vector<Fact>& facts) {
  std::string table =
      "<table class=\"facts\"><thead><tr><th scope=\"col\">Number</th><th scope=\"col\">Value</th>"
      "<th scope=\"col\">Rests on</th><th scope=\"col\">Source</th></tr></thead><tbody>\n";
  for (const Fact& fact : facts)
    table += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"words\">{}</td>"
        "<td class=\"words\">{}</td></tr>\n",
        html_text(fact.path), html_text(fact.text), html_text(fact.confidence),
        html_text(fact.source));
  return scrolled("Provenance of every number", table + "</tbody></table>");
}

}  // namespace

std::string numbers_section(const HtmlView& view) {
  if (view.shown.empty()) return "";
  std::string groups;
  for (const std::string& group : metric_groups()) groups += group_table(view, group);
  return "<section><h2>All numbers</h2><p>The same numbers, unrounded, are in "
         "<code>report.json</code> and <code>cases.csv</code>.</p>\n" +
         groups + "</section>\n";
}

std::string provenance_section(const HtmlView& view) {
  const std::vector<Fact> facts = distinct_facts(view.report.cases);
  const std::string profiles =
      facts.empty() ? ""
                    : fmt::format(
                          "<p>{} numbers of the hardware profiles were used: {}.</p>"
                          "<details><summary>Every number and its source</summary>{}"
                          "</details>",
                          facts.size(), html_text(counts_text(facts)), facts_table(facts));
  std::string routings;
  for (const std::string& routing : distinct_routings(view.report.cases))
    routings += fmt::format("<p>Routing: {}.</p>", html_text(routing));
  return fmt::format(
      "<section><h2>Provenance</h2>{}{}<details><summary>Resolved scenario (seed {}), enough to "
      "run "
      "it again</summary><pre tabindex=\"0\"><code>{}</code></pre></details></section>\n",
      routings, profiles, view.report.seed, html_text(view.report.resolved));
}

}  // namespace moesim
