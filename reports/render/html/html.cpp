#include "reports/render/html/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "reports/analysis/ranking.h"
#include "reports/render/html/assets.h"
#include "reports/render/words/format.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostShown = 8;

}  // namespace

std::string html_text(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default: {
        const auto code = static_cast<unsigned char>(c);
        html += code < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
      }
    }
  }
  return html;
}

std::string script_json(const nlohmann::ordered_json& json) {
  const std::string plain =
      json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  std::string safe;
  safe.reserve(plain.size());
  // In JSON '<' stands in strings only, where \u003c means the same.
  for (const char c : plain) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

std::string fill_slots(std::string_view page,
                       const std::vector<std::pair<std::string, std::string>>& slots) {
  std::string html;
  while (true) {
    const std::size_t open = page.find("{{");
    html += page.substr(0, open);
    if (open == std::string_view::npos) return html;
    const std::size_t close = page.find("}}", open);
    if (close == std::string_view::npos) throw std::logic_error("a slot of the page stays open");
    const std::string_view name = page.substr(open + 2, close - open - 2);
    const auto slot = std::find_if(slots.begin(), slots.end(),
                                   [&](const auto& one) { return one.first == name; });
    if (slot == slots.end()) throw std::logic_error("no value for slot " + std::string(name));
    html += slot->second;
    page.remove_prefix(close + 2);
  }
}

std::string HtmlView::title(std::size_t index) const {
  return case_title(report.cases[index], paths);
}

HtmlView html_view(const Report& report) {
  return {report, swept_paths(report.cases), shown_cases(report.cases, kMostShown),
          ranking(report.cases)};
}

std::string filled_page(const HtmlView& view, const std::string& scenario,
                        const std::string& headline, std::uint64_t seed,
                        const std::string& sections) {
  return fill_slots(assets::report_page(), {{"scenario", html_text(scenario)},
                                            {"question", html_text(headline)},
                                            {"version", html_text(program_version())},
                                            {"seed", std::to_string(seed)},
                                            {"style", std::string(assets::report_style())},
                                            {"sections", sections},
                                            {"data", script_json(chart_data(view))},
                                            {"library", std::string(assets::chart_library())},
                                            {"script", std::string(assets::report_script())}});
}

std::string value_cell(const std::optional<double>& value, std::string_view unit) {
  if (!value) return "<td class=\"absent\">&ndash;</td>";
  return fmt::format("<td data-value=\"{}\">{}</td>", exact_number(*value),
                     html_text(readable(*value, unit)));
}

std::string number_cell(const char* key, double value, int digits) {
  return fmt::format("<td data-stat=\"{}\" data-value=\"{}\">{:.{}f}</td>", key,
                     exact_number(value), value, digits);
}

std::string metric_cell(const HtmlView& view, std::size_t index, Metric key,
                        const std::string& inside) {
  const std::optional<double> value = metric(view.report.cases[index], key);
  if (!value) return "<td class=\"absent\">&ndash;</td>";
  return fmt::format("<td data-case=\"{}\" data-metric=\"{}\" data-value=\"{}\">{}{}</td>", index,
                     metric_row(key).key, exact_number(*value),
                     html_text(readable(*value, metric_row(key).unit)), inside);
}

std::string scrolled(const std::string& label, const std::string& table) {
  return fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">{}</div>\n",
      html_text(label), table);
}

}  // namespace moesim
