// Stacked and grouped bars: one chart per breakdown, each with its numbers as a table.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "reports/render/html/html.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

struct Series {
  Metric key;
  std::string_view name;
  std::string_view colour;  // Name of a colour of report.css.
};

struct Chart {
  std::string_view id;
  std::string_view title;
  std::string_view note;
  bool stacked = true;
  std::optional<Metric> limit;  // To mark on every bar.
  std::vector<Series> series;
  std::vector<std::size_t> cases = {};  // Those with a value; set by charts_of().
};

std::vector<Series> activities(const std::vector<Metric>& keys) {
  const std::vector<std::pair<std::string_view, std::string_view>> looks = {
      {"compute", "blue"},
      {"memory", "sky"},
      {"communication", "vermillion"},
      {"overhead", "orange"},
      {"imbalance wait", "yellow"},
      {"idle", "grey"},
      {"unallocated", "pale"}};
  std::vector<Series> series;
  for (std::size_t i = 0; i < keys.size(); ++i)
    series.push_back({keys[i], looks[i].first, looks[i].second});
  return series;
}

std::vector<Series> percentile_series(Metric p50, Metric p90, Metric p99) {
  return {{p50, "P50", "sky"}, {p90, "P90", "blue"}, {p99, "P99", "vermillion"}};
}

std::vector<Chart> resource_charts() {
  return {
      {"cost", "Cost per million output tokens",
       "USD, by activity of the devices in the paid time.", true, std::nullopt,
       activities({Metric::kCostComputePerMillionOutputTokens,
                   Metric::kCostMemoryPerMillionOutputTokens,
                   Metric::kCostCommunicationPerMillionOutputTokens,
                   Metric::kCostOverheadPerMillionOutputTokens,
                   Metric::kCostImbalanceWaitPerMillionOutputTokens,
                   Metric::kCostIdlePerMillionOutputTokens,
                   Metric::kCostUnallocatedPerMillionOutputTokens})},
      {"time", "Device time", "Share of all devices over the simulated time.", true, std::nullopt,
       activities({Metric::kTimeComputeShare, Metric::kTimeMemoryShare,
                   Metric::kTimeCommunicationShare, Metric::kTimeOverheadShare,
                   Metric::kTimeImbalanceWaitShare, Metric::kTimeIdleShare,
                   Metric::kTimeUnallocatedShare})},
      {"memory",
       "Memory of the fullest device",
       "The mark is the budget of the serving engine.",
       true,
       Metric::kMemoryBudgetBytes,
       {{Metric::kWeightsAttentionBytes, "attention", "blue"},
        {Metric::kWeightsDenseBytes, "dense feed-forward", "sky"},
        {Metric::kWeightsRoutedExpertsBytes, "routed experts", "vermillion"},
        {Metric::kWeightsSharedExpertsBytes, "shared experts", "orange"},
        {Metric::kWeightsGateBytes, "gates", "ink"},
        {Metric::kWeightsEmbeddingBytes, "embedding and head", "pink"},
        {Metric::kActivationsBytes, "activations", "yellow"},
        {Metric::kCommunicationBuffersBytes, "communication buffers", "slate"},
        {Metric::kRuntimeBytes, "runtime", "grey"},
        {Metric::kKvPoolBytes, "KV cache pool", "green"}}},
      {"energy",
       "Energy per output token",
       "Whole deployment, prompts included.",
       true,
       std::nullopt,
       {{Metric::kEnergyDevicesPerOutputToken, "accelerators", "blue"},
        {Metric::kEnergyHostPerOutputToken, "hosts", "orange"},
        {Metric::kEnergyNetworkPerOutputToken, "network", "vermillion"},
        {Metric::kEnergyPowerSupplyPerOutputToken, "power supplies", "pink"},
        {Metric::kEnergyFacilityPerOutputToken, "facility", "green"}}},
  };
}

std::vector<Chart> service_charts() {
  return {
      {"ttft", "Time to first token", "The mark is the limit for P99, if one is given.", false,
       Metric::kSloTtftP99,
       percentile_series(Metric::kTtftP50, Metric::kTtftP90, Metric::kTtftP99)},
      {"tpot", "Time per output token", "The mark is the limit for P99, if one is given.", false,
       Metric::kSloTpotP99,
       percentile_series(Metric::kTpotP50, Metric::kTpotP90, Metric::kTpotP99)},
      {"communication",
       "Communication per output token",
       "Bytes sent by all devices, by kind.",
       true,
       std::nullopt,
       {{Metric::kCommTensorParallelBytesPerOutputToken, "tensor parallel", "blue"},
        {Metric::kCommDispatchBytesPerOutputToken, "expert dispatch", "vermillion"},
        {Metric::kCommCombineBytesPerOutputToken, "expert combine", "orange"},
        {Metric::kCommPipelineBytesPerOutputToken, "pipeline", "green"},
        {Metric::kCommWeightMovesBytesPerOutputToken, "expert weights", "pink"}}},
      {"e2e", "End-to-end time", "From arrival to the last token.", false, std::nullopt,
       percentile_series(Metric::kE2eP50, Metric::kE2eP90, Metric::kE2eP99)},
  };
}

bool is_shown(const HtmlView& view, Metric key) {
  return std::any_of(view.shown.begin(), view.shown.end(), [&](std::size_t i) {
    return metric(view.report.cases[i], key).value_or(0) > 0;
  });
}

std::vector<std::size_t> cases_of(const HtmlView& view, const Chart& chart) {
  std::vector<std::size_t> cases;
  for (const std::size_t i : view.shown) {
    const bool any = std::any_of(chart.series.begin(), chart.series.end(), [&](const Series& s) {
      return metric(view.report.cases[i], s.key).has_value();
    });
    if (any) cases.push_back(i);
  }
  return cases;
}

// The charts that have something to show, without series that are zero everywhere.
std::vector<Chart> charts_of(const HtmlView& view) {
  std::vector<Chart> charts = resource_charts();
  for (Chart& chart : service_charts()) charts.push_back(std::move(chart));
  for (Chart& chart : charts) {
    std::erase_if(chart.series, [&](const Series& s) { return !is_shown(view, s.key); });
    chart.cases = cases_of(view, chart);
  }
  std::erase_if(charts, [](const Chart& chart) { return chart.series.empty(); });
  return charts;
}

std::string numbers_table(const HtmlView& view, const Chart& chart) {
  std::string table = "<table><thead><tr><td></td>";
  for (const std::size_t i : chart.cases)
    table += fmt::format("<th scope=\"col\">{}</th>", html_text(view.title(i)));
  table += "</tr></thead><tbody>\n";
  const auto add_row = [&](std::string_view name, Metric key) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(name));
    for (const std::size_t i : chart.cases) table += metric_cell(view, i, key);
    table += "</tr>\n";
  };
  for (const Series& series : chart.series) add_row(series.name, series.key);
  if (chart.limit && is_shown(view, *chart.limit))
    add_row(metric_row(*chart.limit).label, *chart.limit);
  return scrolled(std::string(chart.title) + ": numbers", table + "</tbody></table>");
}

std::string figure_of(const HtmlView& view, const Chart& chart) {
  // Grouped bars need the height of their series; stacked ones a single bar's.
  const std::size_t bars = chart.cases.size() * (chart.stacked ? 2 : chart.series.size() + 1);
  return chart_figure({chart.id, chart.title, chart.note, bars}, numbers_table(view, chart));
}

Json values_of(const HtmlView& view, const Chart& chart, Metric key) {
  Json values = Json::array();
  for (const std::size_t i : chart.cases) {
    const std::optional<double> value = metric(view.report.cases[i], key);
    values.push_back(value ? Json(*value) : Json(nullptr));
  }
  return values;
}

}  // namespace

std::string chart_figure(const ChartFrame& frame, const std::string& table) {
  return fmt::format(
      "<figure><figcaption><h3>{0}</h3><p>{1}</p></figcaption>"
      "<div class=\"plot\" style=\"--bars:{2}\"><canvas id=\"chart-{3}\" role=\"img\" "
      "aria-label=\"Chart: {0}. The numbers are in the table below it.\"></canvas></div>"
      "<details><summary>Numbers</summary>{4}</details></figure>\n",
      html_text(frame.title), html_text(frame.note), frame.bars, frame.id, table);
}

std::string chart_section(const HtmlView& view) {
  std::string figures;
  for (const Chart& chart : charts_of(view)) figures += figure_of(view, chart);
  figures += line_figures(view, LineGroup::kService);
  if (figures.empty()) return "";
  return "<section><h2>Side by side</h2><div class=\"charts\">\n" + figures + "</div></section>\n";
}

Json chart_data(const HtmlView& view) {
  Json charts = Json::array();
  for (const Chart& chart : charts_of(view)) {
    Json labels = Json::array();
    for (const std::size_t i : chart.cases) labels.push_back(view.title(i));
    Json series = Json::array();
    for (const Series& one : chart.series)
      series.push_back({{"name", one.name},
                        {"colour", one.colour},
                        {"key", metric_row(one.key).key},
                        {"values", values_of(view, chart, one.key)}});
    charts.push_back(
        {{"id", chart.id},
         {"labels", labels},
         {"unit", metric_row(chart.series.front().key).unit},
         {"stacked", chart.stacked},
         {"limits", chart.limit ? values_of(view, chart, *chart.limit) : Json::array()},
         {"series", series}});
  }
  return {{"charts", charts}, {"lines", line_data(view)}, {"scatter", scatter_data(view)}};
}

}  // namespace moesim
