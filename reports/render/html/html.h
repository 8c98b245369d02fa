// Pieces of the HTML report. Every text that comes from a file goes through html_text().
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/results/report.h"

namespace moesim {

// Text as HTML: & < > " ' escaped, control characters but line breaks and tabs replaced by spaces.
std::string html_text(std::string_view text);

// JSON that can stand inside a <script> element: no '<' is left in it.
std::string script_json(const nlohmann::ordered_json& json);

// Replaces each {{name}} of the page once; what is put in is not searched again.
// Requires: a value for every slot of the page.
std::string fill_slots(std::string_view page,
                       const std::vector<std::pair<std::string, std::string>>& slots);

// What the sections share.
struct HtmlView {
  const Report& report;
  std::vector<std::string> paths;    // Swept.
  std::vector<std::size_t> shown;    // Cases that charts and tables of all numbers have room for.
  std::vector<std::size_t> ranking;  // Cases that can win, best first.

  std::string title(std::size_t index) const;  // Of a case; plain text.
};
HtmlView html_view(const Report& report);

// A table cell with a metric: readable for people, exact in data-value. `inside` is added HTML.
std::string metric_cell(const HtmlView& view, std::size_t index, Metric key,
                        const std::string& inside = "");

// The page of assets/report.html with the charts of a view. `scenario`, `headline`: plain text.
std::string filled_page(const HtmlView& view, const std::string& scenario,
                        const std::string& headline, std::uint64_t seed,
                        const std::string& sections);

// A table that can be scrolled sideways, by keyboard too. `label` is plain text.
std::string scrolled(const std::string& label, const std::string& table);

// A chart on the page: the canvas that report.js draws on, and its numbers as a table.
struct ChartFrame {
  std::string_view id;
  std::string_view title;
  std::string_view note;
  std::size_t bars = 0;  // Sets the height.
};
std::string chart_figure(const ChartFrame& frame, const std::string& table);

// What routing rests on, as a mark with its meaning; marked as unsure where it is no measurement.
std::string basis_badge(const std::string& basis);

// Charts of lines, and what report.js draws in them.
enum class LineGroup { kService, kTraining };
std::string line_figures(const HtmlView& view, LineGroup group);
nlohmann::ordered_json line_data(const HtmlView& view);

// The trade-offs of the cases that can win as a chart of points, and what report.js draws; empty
// and null with fewer than two.
std::string scatter_figure(const HtmlView& view);
nlohmann::ordered_json scatter_data(const HtmlView& view);

// A cell with a value in a unit, readable for people, exact in data-value; a dash where it is
// absent.
std::string value_cell(const std::optional<double>& value, std::string_view unit);

// A cell with a number and its key in the JSON.
std::string number_cell(const char* key, double value, int digits);

// Sections in the order of the page; empty where there is nothing to show.
std::string verdict_section(const HtmlView& view);
std::string glance_section(const HtmlView& view);
std::string answers_section(const HtmlView& view);
std::string chart_section(const HtmlView& view);
std::string sweep_section(const HtmlView& view);
std::string routing_section(const HtmlView& view);
std::string network_section(const HtmlView& view);
std::string uncertainty_section(const HtmlView& view);
std::string numbers_section(const HtmlView& view);
std::string provenance_section(const HtmlView& view);

// What report.js draws.
nlohmann::ordered_json chart_data(const HtmlView& view);

}  // namespace moesim
