// Line charts, one line a case: latency by percentile, requests waiting over time, and the load of
// trained routers over their training.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "reports/render/html/html.h"
#include "reports/render/words/format.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 8> kLineColours = {"blue", "vermillion", "green", "orange",
                                                     "pink", "sky",        "slate", "ink"};
constexpr std::array<std::size_t, 7> kTabulated = {0, 25, 50, 75, 90, 99, 100};

struct LineChart {
  LineGroup group;
  const char* id;
  const char* title;
  const char* note;
  const char* x_unit;  // Empty: a percentile.
  const char* y_unit;
  std::vector<std::pair<double, double>> (*points)(const CaseReport&);
};

std::vector<std::pair<double, double>> by_percentile(const std::vector<double>& curve) {
  std::vector<std::pair<double, double>> points;
  for (std::size_t p = 0; p < curve.size(); ++p)
    points.emplace_back(static_cast<double>(p), curve[p]);
  return points;
}

std::vector<std::pair<double, double>> waiting(const CaseReport& report) {
  std::vector<std::pair<double, double>> points;
  for (const QueuePoint& point : report.queue)
    points.emplace_back(point.time.value(), static_cast<double>(point.waiting));
  return points;
}

std::vector<std::pair<double, double>> over_training(const CaseReport& report,
                                                     double (*value)(const TrainingPoint&)) {
  std::vector<std::pair<double, double>> points;
  for (const TrainingPoint& point : report.routing.training)
    points.emplace_back(static_cast<double>(point.step), value(point));
  return points;
}

const std::array<LineChart, 5> kCharts = {
    {{LineGroup::kService, "ttft-curve", "Time to first token by percentile",
      "How many percent of the requests wait how long.", "", "s",
      [](const CaseReport& report) { return by_percentile(report.ttft_curve_s); }},
     {LineGroup::kService, "tpot-curve", "Time per output token by percentile",
      "How many percent of the requests get their tokens how fast.", "", "s",
      [](const CaseReport& report) { return by_percentile(report.tpot_curve_s); }},
     {LineGroup::kService, "queue", "Requests waiting",
      "Over the simulated time; a line that keeps rising is overload.", "s", "requests", waiting},
     {LineGroup::kTraining, "training-load", "Fullest expert over training",
      "Tokens of the fullest expert over the mean while the gate was trained; 1 is balanced.",
      "steps", "",
      [](const CaseReport& report) {
        return over_training(report, [](const TrainingPoint& p) { return p.max_over_mean; });
      }},
     {LineGroup::kTraining, "training-dead", "Dead experts over training",
      "Experts with less than 1 % of the mean load while the gate was trained.", "steps", "",
      [](const CaseReport& report) {
        return over_training(
            report, [](const TrainingPoint& p) { return static_cast<double>(p.dead_experts); });
      }}}};

std::vector<std::size_t> cases_of(const HtmlView& view, const LineChart& chart) {
  std::vector<std::size_t> cases;
  for (const std::size_t i : view.shown)
    if (chart.points(view.report.cases[i]).size() > 1) cases.push_back(i);
  return cases;
}

// The text alternative: seven points of each line, evenly chosen by position for time.
std::string line_table(const HtmlView& view, const LineChart& chart) {
  const bool percentile = *chart.x_unit == '\0';
  const char* span = chart.group == LineGroup::kTraining ? "steps" : "time";
  std::string table = "<table><thead><tr><td></td>";
  for (const std::size_t p : kTabulated)
    table +=
        fmt::format("<th scope=\"col\">{}{}</th>", percentile ? "P" : "",
                    percentile ? fmt::format("{}", p) : fmt::format("{} % of the {}", p, span));
  table += "</tr></thead><tbody>\n";
  for (const std::size_t i : cases_of(view, chart)) {
    const auto points = chart.points(view.report.cases[i]);
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(view.title(i)));
    for (const std::size_t p : kTabulated)
      table +=
          fmt::format("<td>{}</td>",
                      html_text(readable(points[p * (points.size() - 1) / 100].second,
                                         percentile ? std::string_view(chart.y_unit) : "count")));
    table += "</tr>\n";
  }
  return scrolled(std::string(chart.title) + ": numbers", table + "</tbody></table>");
}

}  // namespace

std::string line_figures(const HtmlView& view, LineGroup group) {
  std::string figures;
  for (const LineChart& chart : kCharts)
    if (chart.group == group && !cases_of(view, chart).empty())
      figures += chart_figure({chart.id, chart.title, chart.note, 7}, line_table(view, chart));
  return figures;
}

Json line_data(const HtmlView& view) {
  Json charts = Json::array();
  for (const LineChart& chart : kCharts) {
    Json series = Json::array();
    for (const std::size_t i : cases_of(view, chart))
      series.push_back({{"name", view.title(i)},
                        {"colour", kLineColours[series.size() % kLineColours.size()]},
                        {"points", chart.points(view.report.cases[i])}});
    if (series.empty()) continue;
    charts.push_back(
        {{"id", chart.id}, {"xUnit", chart.x_unit}, {"unit", chart.y_unit}, {"series", series}});
  }
  return charts;
}

}  // namespace moesim
