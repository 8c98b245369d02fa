// What the routers did: expert load, traffic between ranks, rebalancing, training, and what simpler
// assumptions about routing would have said.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/analysis/baselines.h"
#include "reports/render/html/heat_map.h"
#include "reports/render/html/html.h"
#include "reports/render/words/baseline_words.h"
#include "reports/render/words/format.h"

namespace moesim {
namespace {

constexpr std::size_t kMostMaps = 4;
constexpr std::size_t kMostPeriods = 50;

std::string layer_table(const std::string& title, const CaseRouting& routing) {
  if (routing.layers.empty()) return "";
  std::string table =
      "<table class=\"layers\"><thead><tr><th scope=\"col\">layer</th><th scope=\"col\">max/mean"
      "</th><th scope=\"col\">Gini</th><th scope=\"col\">spread</th><th scope=\"col\">entropy</th>"
      "<th scope=\"col\">overload</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < routing.layers.size(); ++i) {
    const LayerRouting& layer = routing.layers[i];
    table += fmt::format("<tr data-layer=\"{}\"><th scope=\"row\">{}</th>", i, i) +
             number_cell("load_max_over_mean", layer.max_over_mean, 2) +
             number_cell("load_gini", layer.gini, 3) + number_cell("load_cv", layer.cv, 3) +
             number_cell("load_entropy", layer.entropy, 4) +
             number_cell("ep_overload", layer.overload, 3) + "</tr>\n";
  }
  return "<details><summary>Every layer</summary><p class=\"note\">Fullest expert over the mean; "
         "Gini coefficient; standard deviation over mean; entropy over that of equal loads; "
         "fullest "
         "expert-parallel group over the mean, as served.</p>" +
         scrolled("Load statistics of " + title, table + "</tbody></table>") + "</details>\n";
}

std::string traffic_part(const std::string& title, const CaseRouting& routing) {
  if (routing.dispatch_bytes.empty()) return "";
  return fmt::format("<h4>Dispatch between ranks</h4><p class=\"note\">{}</p>{}",
                     html_text(traffic_map_note(routing.dispatch_bytes)),
                     scrolled("Dispatch traffic of " + title, traffic_map(routing.dispatch_bytes)));
}

std::string rebalancing_part(const std::string& title, const CaseRouting& routing) {
  if (routing.periods.empty()) return "";
  std::string table =
      "<table><thead><tr><th scope=\"col\">replica, stage</th><th scope=\"col\">steps</th>"
      "<th scope=\"col\">overload</th><th scope=\"col\">experts moved</th>"
      "<th scope=\"col\">weights moved</th><th scope=\"col\">time to move</th></tr></thead>"
      "<tbody>\n";
  for (std::size_t i = 0; i < std::min(kMostPeriods, routing.periods.size()); ++i) {
    const BalancePeriod& period = routing.periods[i];
    table += fmt::format(
        "<tr><th scope=\"row\">{}, {}</th><td>{}</td><td>{:.3f}</td><td>{}</td><td>{}</td>"
        "<td>{}</td></tr>\n",
        period.replica, period.stage, period.steps, period.overload, period.moved,
        html_text(readable(period.moved_bytes.value(), "B")),
        html_text(readable(period.moving.value(), "s")));
  }
  const std::string rest = routing.periods.size() > kMostPeriods
                               ? fmt::format("<p class=\"note\">The first {} of {} periods.</p>",
                                             kMostPeriods, routing.periods.size())
                               : "";
  return "<details><summary>Rebalancing</summary>" + rest +
         scrolled("Rebalancing of " + title, table + "</tbody></table>") + "</details>\n";
}

std::string change_cell(const CaseReport& report, const CaseReport& twin, Metric key) {
  const std::optional<double> value = metric(twin, key);
  if (!value) return "<td class=\"absent\">&ndash;</td>";
  const std::optional<double> change = relative_difference(report, twin, key);
  const std::string shown = change ? fmt::format("<small data-change=\"{}\">{:+.1f} %</small>",
                                                 exact_number(*change), 100 * *change)
                                   : "";
  return fmt::format("<td data-baseline=\"{}\" data-metric=\"{}\" data-value=\"{}\">{}{}</td>",
                     html_text(twin.name), metric_row(key).key, exact_number(*value),
                     html_text(readable(*value, metric_row(key).unit)), shown);
}

std::string baselines_part(const HtmlView& view, std::size_t index) {
  const CaseReport& report = view.report.cases[index];
  if (report.baselines.empty()) return "";
  std::string table = fmt::format(
      "<table class=\"baselines\"><thead><tr><td></td><th scope=\"col\">as routed</th>");
  for (const CaseReport& twin : report.baselines)
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(baseline_title(report, twin)));
  table += "</tr></thead><tbody>\n";
  for (const Metric key : baseline_metrics()) {
    if (!metric(report, key)) continue;
    table += fmt::format("<tr><th scope=\"row\" title=\"{}\">{}</th>",
                         html_text(metric_row(key).meaning), html_text(metric_row(key).label)) +
             metric_cell(view, index, key);
    for (const CaseReport& twin : report.baselines) table += change_cell(report, twin, key);
    table += "</tr>\n";
  }
  return fmt::format("<h4>What other routing would have said</h4><p class=\"cost\">{}</p>{}",
                     html_text(imbalance_sentence(report)),
                     scrolled("Baselines of " + view.title(index), table + "</tbody></table>"));
}

std::string load_part(const std::string& title, const CaseRouting& routing) {
  const std::string note = load_map_note(routing.load);
  return fmt::format("<h4>Expert load</h4>{}{}",
                     note.empty() ? "" : "<p class=\"note\">" + html_text(note) + "</p>",
                     scrolled("Expert load of " + title, load_map(routing.load)));
}

std::string routing_of_case(const HtmlView& view, std::size_t index) {
  const CaseReport& report = view.report.cases[index];
  const std::string title = view.title(index);
  std::string numbers;
  for (const Metric key : {Metric::kExpertLoadMaxOverMean, Metric::kEpGroupMaxOverMean,
                           Metric::kImbalanceWaitShareOfBusyTime, Metric::kDroppedPairsShare}) {
    const std::optional<double> value = metric(report, key);
    if (!value || (*value == 0 && key == Metric::kDroppedPairsShare)) continue;
    numbers += fmt::format("{}{} {}", numbers.empty() ? "" : ", ", metric_row(key).label,
                           readable_metric(report, key));
  }
  return fmt::format(
      "<div class=\"map\"><h3>{} {}</h3><p class=\"note\">{}. Routing: {}.</p>{}{}{}{}{}</div>\n",
      html_text(title), basis_badge(report.routing.basis), html_text(numbers),
      html_text(report.routing.provenance), load_part(title, report.routing),
      layer_table(title, report.routing), traffic_part(title, report.routing),
      rebalancing_part(title, report.routing), baselines_part(view, index));
}

}  // namespace

std::string basis_badge(const std::string& basis) {
  if (basis.empty()) return "";
  const bool sure = basis == "recorded" || basis == "real gates" || basis == "calibrated";
  return fmt::format("<span class=\"basis{}\" title=\"{}\">{}</span>", sure ? "" : " unsure",
                     html_text(basis_meaning(basis)), html_text(basis));
}

std::string routing_section(const HtmlView& view) {
  std::string cases;
  std::size_t count = 0;
  for (const std::size_t i : view.shown) {
    if (view.report.cases[i].routing.load.empty() || ++count > kMostMaps) continue;
    cases += routing_of_case(view, i);
  }
  if (cases.empty()) return "";
  const std::string training = line_figures(view, LineGroup::kTraining);
  return "<section><h2>Routing</h2><p>Tokens of every expert over the mean expert, layer by layer: "
         "1 is balanced, 2 is twice the mean.</p>" +
         load_legend() +
         (training.empty() ? "" : "<div class=\"charts\">\n" + training + "</div>\n") + cases +
         "</section>\n";
}

}  // namespace moesim
