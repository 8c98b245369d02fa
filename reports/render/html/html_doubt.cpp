// How sure the headline figures are: interval, and what each rests on.
#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/doubt.h"
#include "reports/render/format.h"
#include "reports/render/html/html.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

std::string rests_text(const CaseReport& one, std::string_view key) {
  std::string text;
  for (const auto& [confidence, count] : rests_on(one, key)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, confidence);
  }
  return text;
}

std::string doubt_cell(const CaseReport& one, std::string_view key) {
  const auto range = interval(one, key);
  if (!range) return "<td class=\"absent\">&ndash;</td>";
  return fmt::format(
      "<td data-low=\"{}\" data-high=\"{}\">{}<small class=\"range\">{}</small><small>rests on "
      "{}</small></td>",
      exact_number(range->low), exact_number(range->high), html_text(readable_metric(one, key)),
      html_text(readable_interval(one, key)), html_text(rests_text(one, key)));
}

}  // namespace

std::string doubt_section(const HtmlView& view) {
  const std::string sentence = doubt_sentence(view.report);
  if (sentence.empty()) return "";
  std::string table = "<table class=\"numbers doubt\"><thead><tr><td></td>";
  for (const std::size_t i : view.shown) {
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(view.title(i)));
  }
  table += "</tr></thead><tbody>\n";
  for (const std::string_view key : headline_keys()) {
    const bool any = std::any_of(view.shown.begin(), view.shown.end(), [&](std::size_t i) {
      return interval(view.report.cases[i], key).has_value();
    });
    if (!any) continue;
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(metric_named(key).label));
    for (const std::size_t i : view.shown) table += doubt_cell(view.report.cases[i], key);
    table += "</tr>\n";
  }
  return fmt::format("<section><h2>How sure</h2><p>{}</p>{}</section>\n", html_text(sentence),
                     scrolled("How sure the headline figures are", table + "</tbody></table>"));
}

}  // namespace moesim
