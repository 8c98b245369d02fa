// A sweep: heat maps over the first two swept settings, and every point as a row.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "reports/analysis/ranking.h"
#include "reports/render/html/html.h"
#include "reports/render/words/case_result.h"
#include "reports/render/words/key_metrics.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostRows = 1000;
constexpr std::size_t kMapMetrics = 5;

std::vector<std::string> distinct(const std::vector<CaseReport>& cases,
                                  const std::function<std::string(const CaseReport&)>& text_of) {
  std::vector<std::string> values;
  for (const CaseReport& report : cases) {
    const std::string value = text_of(report);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

bool better(const KeyColumn& column, double a, double b) {
  return column.less_is_better ? a < b : a > b;
}

// Worst and best value of a metric over all cases, so that maps side by side share their colours;
// the best is one that can win, if any can.
struct Range {
  double worst = 0, best = 0;
};

Range range_of(const std::vector<CaseReport>& cases, const KeyColumn& column) {
  std::optional<double> worst, best;
  const bool any = std::any_of(cases.begin(), cases.end(), can_win);
  for (const CaseReport& report : cases) {
    const std::optional<double> value = metric(report, column.key);
    if (!value) continue;
    if (!worst || better(column, *worst, *value)) worst = value;
    if (any && !can_win(report)) continue;
    if (!best || better(column, *value, *best)) best = value;
  }
  return {worst.value_or(0), best.value_or(worst.value_or(0))};
}

// One map: a metric of one case name over two settings, the best where further settings vary too.
class SweepMap {
 public:
  SweepMap(const HtmlView& view, std::string name, const KeyColumn& column, Range range)
      : view_(view), name_(std::move(name)), column_(column), range_(range) {
    for (std::size_t i = 0; i < cases().size(); ++i)
      if (cases()[i].name == name_) enter(i);
  }

  bool empty() const { return best_.empty(); }

  std::string html() const {
    const std::vector<std::string> names = short_paths(view_.paths);
    const bool two = view_.paths.size() > 1;
    std::string table = fmt::format(
        "<table class=\"sweep\"><caption>{}</caption><thead><tr>"
        "<th scope=\"col\">{}{}</th>",
        html_text(name_), html_text(names[0]),
        two ? " &darr; " + html_text(names[1]) + " &rarr;" : "");
    const std::vector<std::string> columns = values(1);
    for (const std::string& value : columns)
      table += fmt::format("<th scope=\"col\">{}</th>",
                           two ? html_text(value) : html_text(column_.heading));
    table += "</tr></thead><tbody>\n";
    for (const std::string& row : values(0)) {
      table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(row));
      for (const std::string& column : columns) table += cell(row, column);
      table += "</tr>\n";
    }
    return table + "</tbody></table>";
  }

 private:
  using Place = std::pair<std::string, std::string>;

  const std::vector<CaseReport>& cases() const { return view_.report.cases; }

  std::string coordinate(const CaseReport& report, std::size_t axis) const {
    return axis < view_.paths.size() ? setting(report, view_.paths[axis]) : "";
  }

  std::vector<std::string> values(std::size_t axis) const {
    return distinct(cases(), [&](const CaseReport& report) { return coordinate(report, axis); });
  }

  double value(std::size_t index) const { return *metric(cases()[index], column_.key); }

  void enter(std::size_t index) {
    const CaseReport& report = cases()[index];
    const Place place{coordinate(report, 0), coordinate(report, 1)};
    if (!metric(report, column_.key)) {
      failed_.insert(place);
      return;
    }
    const auto [entry, fresh] = best_.emplace(place, index);
    if (!fresh && better(column_, value(index), value(entry->second))) entry->second = index;
  }

  // s0 (worst) .. s6 (best), on a logarithmic scale: sweeps span decades.
  int level(double of) const {
    const auto [worst, best] = range_;
    if (!(of > 0) || !(worst > 0) || !(best > 0) || worst == best) return of == best ? 6 : 0;
    const double place = std::log(of / worst) / std::log(best / worst);
    return static_cast<int>(std::lround(6 * std::clamp(place, 0.0, 1.0)));
  }

  std::string cell(const std::string& row, const std::string& column) const {
    const auto found = best_.find({row, column});
    if (found == best_.end())
      return failed_.contains({row, column}) ? "<td class=\"absent\">&#10007;</td>"
                                             : "<td class=\"absent\">&ndash;</td>";
    const std::size_t index = found->second;
    const bool eligible = can_win(cases()[index]);
    const bool top = eligible && value(index) == range_.best;
    std::string html = metric_cell(view_, index, column_.key, eligible ? "" : " &#10007;");
    return html.insert(3, fmt::format(" class=\"s{}{}\"", level(value(index)), top ? " top" : ""));
  }

  const HtmlView& view_;
  std::string name_;
  const KeyColumn& column_;
  Range range_;
  std::map<Place, std::size_t> best_;  // Case that a cell shows.
  std::set<Place> failed_;             // Points without a value.
};

std::string maps_html(const HtmlView& view) {
  const std::vector<std::string> names =
      distinct(view.report.cases, [](const CaseReport& report) { return report.name; });
  std::string html;
  for (std::size_t k = 0; k < kMapMetrics; ++k) {
    const KeyColumn& column = key_columns()[k];
    const Range range = range_of(view.report.cases, column);
    std::string maps;
    for (const std::string& name : names) {
      const SweepMap map(view, name, column, range);
      if (!map.empty()) maps += scrolled(name + ", " + std::string(column.heading), map.html());
    }
    if (maps.empty()) continue;
    html += fmt::format("<h3>{}</h3><div class=\"maps\">{}</div>\n",
                        html_text(metric_row(column.key).label), maps);
  }
  return html;
}

std::string points_table(const HtmlView& view) {
  const std::vector<CaseReport>& cases = view.report.cases;
  std::string table = "<table><thead><tr><th scope=\"col\">case</th>";
  for (const std::string& name : short_paths(view.paths))
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(name));
  for (const KeyColumn& column : key_columns())
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(column.heading));
  table += "<th scope=\"col\">result</th></tr></thead><tbody>\n";
  for (const std::size_t i : shown_cases(cases, kMostRows)) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(cases[i].name));
    for (const std::string& path : view.paths)
      table += fmt::format("<td>{}</td>", html_text(setting(cases[i], path)));
    for (const KeyColumn& column : key_columns()) table += metric_cell(view, i, column.key);
    const std::string why = disqualification_text(cases[i]);
    table += fmt::format("<td class=\"words\">{}</td></tr>\n", why.empty() ? "ok" : html_text(why));
  }
  return scrolled("Every point of the sweep", table + "</tbody></table>");
}

}  // namespace

std::string sweep_section(const HtmlView& view) {
  if (view.paths.empty()) return "";
  std::string rest =
      view.paths.size() > 2 ? " Where further settings vary, a cell shows the best of them." : "";
  const auto has_lost_curves = [&](std::size_t i) {
    const CaseReport& report = view.report.cases[i];
    return report.status == CaseStatus::kDone && report.ttft_curve_s.empty();
  };
  if (std::ranges::any_of(view.shown, has_lost_curves)) {
    rest +=
        " So large a sweep keeps no curves and matrices of single points: run one by itself, with "
        "--set, to see them.";
  }
  return fmt::format(
      "<section><h2>Sweep</h2><p>A stronger colour is better; the best value is outlined; &#10007; "
      "marks "
      "points that cannot win.{}</p>\n{}<details><summary>Every point</summary>{}</details>"
      "</section>\n",
      rest, maps_html(view), points_table(view));
}

}  // namespace moesim
