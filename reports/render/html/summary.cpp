// The top of the page: verdict, and all cases at a glance.
#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/ranking.h"
#include "reports/analysis/uncertainty.h"
#include "reports/render/html/html.h"
#include "reports/render/words/case_result.h"
#include "reports/render/words/format.h"
#include "reports/render/words/key_metrics.h"
#include "reports/render/words/uncertainty_words.h"
#include "reports/render/words/verdict_words.h"

namespace moesim {
namespace {

// Largest value of a metric among the shown cases, for the lengths of the bars.
double largest(const HtmlView& view, Metric key) {
  double most = 0;
  for (const std::size_t i : view.shown)
    most = std::max(most, metric(view.report.cases[i], key).value_or(0));
  return most;
}

// Whether no shown case that can win has a better value, and one has a worse value.
bool is_best(const HtmlView& view, std::size_t index, const KeyColumn& column) {
  const std::optional<double> own = metric(view.report.cases[index], column.key);
  if (!own || !can_win(view.report.cases[index]) || view.ranking.size() < 2) return false;
  const auto exceeds = [&](bool less) {
    return std::any_of(view.shown.begin(), view.shown.end(), [&](std::size_t i) {
      const std::optional<double> other = metric(view.report.cases[i], column.key);
      return other && can_win(view.report.cases[i]) && (less ? *other < *own : *other > *own);
    });
  };
  return !exceeds(column.less_is_better) && exceeds(!column.less_is_better);
}

std::string glance_cell(const HtmlView& view, std::size_t index, const KeyColumn& column) {
  const std::optional<double> value = metric(view.report.cases[index], column.key);
  if (!value) return "<td class=\"absent\">&ndash;</td>";
  const double most = largest(view, column.key);
  const double length = most > 0 ? 100 * *value / most : 0;
  const std::string range =
      is_headline(column.key) ? readable_interval(view.report.cases[index], column.key) : "";
  std::string cell = metric_cell(
      view, index, column.key,
      (range.empty() ? "" : fmt::format("<small class=\"range\">{}</small>", html_text(range))) +
          fmt::format(
              "<span class=\"bar\" aria-hidden=\"true\"><i style=\"width:{:.1f}%\"></i></span>",
              length));
  const std::string best = is_best(view, index, column) ? " class=\"best\"" : "";
  return cell.insert(3, best + fmt::format(" data-label=\"{}\"", html_text(column.heading)));
}

std::string badge(const HtmlView& view, std::size_t index) {
  const CaseReport& report = view.report.cases[index];
  const std::string why = disqualification_text(report);
  const auto slo = slo_samples(report);
  const std::string unsure =
      slo ? fmt::format("<span class=\"badge bad\">? service level met in {} of {} samples</span>",
                        slo->met, slo->samples)
          : "";
  if (!why.empty())
    return fmt::format("<span class=\"badge bad\">&#10007; {}</span>{}", html_text(why), unsure);
  if (view.ranking.size() < 2 || view.ranking.front() != index) return unsure;
  const bool by_energy = ranking_metric(view.report.cases) == Metric::kEnergyPerOutputToken;
  return fmt::format("<span class=\"badge good\">&#10003; {}</span>{}",
                     by_energy ? "least energy" : "lowest cost", unsure);
}

std::string glance_row(const HtmlView& view, std::size_t index) {
  const CaseReport& report = view.report.cases[index];
  const std::string gaps =
      report.not_modelled.empty() ? "" : "<br>Not modelled: " + html_text(gaps_text(report));
  std::string row =
      fmt::format("<tr><th scope=\"row\"><b>{}</b> {}<small>{}<br>{} &middot; {}{}</small></th>",
                  html_text(view.title(index)), badge(view, index), html_text(report.model),
                  html_text(report.hardware), html_text(report.layout), gaps);
  for (const KeyColumn& column : key_columns())
    if (largest(view, column.key) > 0) row += glance_cell(view, index, column);
  return row + "</tr>\n";
}

}  // namespace

std::string verdict_section(const HtmlView& view) {
  return fmt::format(
      "<section class=\"verdict\" aria-labelledby=\"verdict\"><h2 id=\"verdict\">Verdict</h2>"
      "<p>{}</p></section>\n",
      html_text(verdict_text(view.report)));
}

std::string glance_section(const HtmlView& view) {
  if (view.shown.empty()) return "";
  std::string table = "<table class=\"glance\"><thead><tr><th scope=\"col\">Case</th>";
  for (const KeyColumn& column : key_columns())
    if (largest(view, column.key) > 0)
      table += fmt::format("<th scope=\"col\" title=\"{}\">{}</th>",
                           html_text(metric_row(column.key).meaning), html_text(column.heading));
  table += "</tr></thead><tbody>\n";
  for (const std::size_t i : view.shown) table += glance_row(view, i);
  table += "</tbody></table>";
  const std::string note = view.shown.size() < view.report.cases.size()
                               ? fmt::format("<p class=\"note\">The {} best of {} rows.</p>",
                                             view.shown.size(), view.report.cases.size())
                               : "";
  return fmt::format("<section><h2>At a glance</h2>{}{}</section>\n", note,
                     scrolled("All cases at a glance", table));
}

}  // namespace moesim
