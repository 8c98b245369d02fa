// How sure the headline figures are: interval, and what each rests on.
#include "reports/analysis/uncertainty.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/html/html.h"
#include "reports/render/words/format.h"
#include "reports/render/words/uncertainty_words.h"

namespace moesim {
namespace {

std::string rests_text(const CaseReport& report, Metric key) {
  std::string text;
  for (const auto& [confidence, count] : rests_on(report, key)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, confidence);
  }
  return text;
}

std::string interval_cell(const CaseReport& report, Metric key) {
  const auto range = interval(report, key);
  if (!range) return "<td class=\"absent\">&ndash;</td>";
  return fmt::format(
      "<td data-low=\"{}\" data-high=\"{}\">{}<small class=\"range\">{}</small><small>rests on "
      "{}</small></td>",
      exact_number(range->low), exact_number(range->high), html_text(readable_metric(report, key)),
      html_text(readable_interval(report, key)), html_text(rests_text(report, key)));
}

}  // namespace

std::string uncertainty_section(const HtmlView& view) {
  const std::string sentence = sampling_sentence(view.report);
  if (sentence.empty()) return "";
  std::string table = "<table class=\"numbers doubt\"><thead><tr><td></td>";
  for (const std::size_t i : view.shown) {
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(view.title(i)));
  }
  table += "</tr></thead><tbody>\n";
  for (const Metric key : headline_metrics()) {
    const bool any = std::any_of(view.shown.begin(), view.shown.end(), [&](std::size_t i) {
      return interval(view.report.cases[i], key).has_value();
    });
    if (!any) continue;
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(metric_row(key).label));
    for (const std::size_t i : view.shown) table += interval_cell(view.report.cases[i], key);
    table += "</tr>\n";
  }
  return fmt::format("<section><h2>How sure</h2><p>{}</p>{}</section>\n", html_text(sentence),
                     scrolled("How sure the headline figures are", table + "</tbody></table>"));
}

}  // namespace moesim
