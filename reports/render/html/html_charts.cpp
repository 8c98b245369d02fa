// Stacked and grouped bars: one chart per breakdown, each with its numbers as a table.
#include <fmt/format.h>

#include <algorithm>

#include "reports/render/format.h"
#include "reports/render/html/html.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

struct Series {
  std::string_view key;
  std::string_view name;
  std::string_view colour;  // Name of a colour of report.css.
};

struct Chart {
  std::string_view id;
  std::string_view title;
  std::string_view note;
  bool stacked = true;
  std::string_view limit;  // Key of a metric to mark on every bar; empty = none.
  std::vector<Series> series;
  std::vector<std::size_t> cases = {};  // Those with a value; set by charts_of().
};

std::vector<Series> activities(const std::vector<std::string_view>& keys) {
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

std::vector<Series> percentile_series(std::string_view p50, std::string_view p90,
                                      std::string_view p99) {
  return {{p50, "P50", "sky"}, {p90, "P90", "blue"}, {p99, "P99", "vermillion"}};
}

std::vector<Chart> resource_charts() {
  return {
      {"cost", "Cost per million output tokens",
       "USD, by what the devices did in the time that is paid for.", true, "",
       activities({"cost_compute_per_million_output_tokens_usd",
                   "cost_memory_per_million_output_tokens_usd",
                   "cost_communication_per_million_output_tokens_usd",
                   "cost_overhead_per_million_output_tokens_usd",
                   "cost_imbalance_wait_per_million_output_tokens_usd",
                   "cost_idle_per_million_output_tokens_usd",
                   "cost_unallocated_per_million_output_tokens_usd"})},
      {"time", "Device time", "Share of all devices over the simulated time.", true, "",
       activities({"time_compute_share", "time_memory_share", "time_communication_share",
                   "time_overhead_share", "time_imbalance_wait_share", "time_idle_share",
                   "time_unallocated_share"})},
      {"memory",
       "Memory of the fullest device",
       "The mark is the budget of the serving engine.",
       true,
       "memory_budget_bytes",
       {{"weights_attention_bytes", "attention", "blue"},
        {"weights_dense_bytes", "dense feed-forward", "sky"},
        {"weights_routed_experts_bytes", "routed experts", "vermillion"},
        {"weights_shared_experts_bytes", "shared experts", "orange"},
        {"weights_gate_bytes", "gates", "ink"},
        {"weights_embedding_bytes", "embedding and head", "pink"},
        {"activations_bytes", "activations", "yellow"},
        {"communication_buffers_bytes", "communication buffers", "slate"},
        {"runtime_bytes", "runtime", "grey"},
        {"kv_pool_bytes", "KV cache pool", "green"}}},
      {"energy",
       "Energy per output token",
       "Whole deployment, prompts included.",
       true,
       "",
       {{"energy_devices_per_output_token_j", "accelerators", "blue"},
        {"energy_host_per_output_token_j", "hosts", "orange"},
        {"energy_network_per_output_token_j", "network", "vermillion"},
        {"energy_power_supply_per_output_token_j", "power supplies", "pink"},
        {"energy_facility_per_output_token_j", "facility", "green"}}},
  };
}

std::vector<Chart> service_charts() {
  return {
      {"ttft", "Time to first token", "The mark is the limit for P99, if one is given.", false,
       "slo_ttft_p99_s", percentile_series("ttft_p50_s", "ttft_p90_s", "ttft_p99_s")},
      {"tpot", "Time per output token", "The mark is the limit for P99, if one is given.", false,
       "slo_tpot_p99_s", percentile_series("tpot_p50_s", "tpot_p90_s", "tpot_p99_s")},
      {"communication",
       "Communication per output token",
       "Bytes sent by all devices, by kind.",
       true,
       "",
       {{"comm_tensor_parallel_bytes_per_output_token", "tensor parallel", "blue"},
        {"comm_dispatch_bytes_per_output_token", "expert dispatch", "vermillion"},
        {"comm_combine_bytes_per_output_token", "expert combine", "orange"},
        {"comm_pipeline_bytes_per_output_token", "pipeline", "green"},
        {"comm_weight_moves_bytes_per_output_token", "expert weights", "pink"}}},
      {"e2e", "End-to-end time", "From arrival to the last token.", false, "",
       percentile_series("e2e_p50_s", "e2e_p90_s", "e2e_p99_s")},
  };
}

bool is_shown(const HtmlView& view, std::string_view key) {
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
  const auto add_row = [&](std::string_view name, std::string_view key) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(name));
    for (const std::size_t i : chart.cases) table += metric_cell(view, i, key);
    table += "</tr>\n";
  };
  for (const Series& series : chart.series) add_row(series.name, series.key);
  if (!chart.limit.empty() && is_shown(view, chart.limit))
    add_row(metric_named(chart.limit).label, chart.limit);
  return scrolled(std::string(chart.title) + ": numbers", table + "</tbody></table>");
}

std::string figure_of(const HtmlView& view, const Chart& chart) {
  // Grouped bars need the height of their series; stacked ones a single bar's.
  const std::size_t bars = chart.cases.size() * (chart.stacked ? 2 : chart.series.size() + 1);
  return chart_figure({chart.id, chart.title, chart.note, bars}, numbers_table(view, chart));
}

Json values_of(const HtmlView& view, const Chart& chart, std::string_view key) {
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
                        {"key", one.key},
                        {"values", values_of(view, chart, one.key)}});
    charts.push_back(
        {{"id", chart.id},
         {"labels", labels},
         {"unit", metric_named(chart.series.front().key).unit},
         {"stacked", chart.stacked},
         {"limits", chart.limit.empty() ? Json::array() : values_of(view, chart, chart.limit)},
         {"series", series}});
  }
  return {{"charts", charts}, {"lines", line_data(view)}, {"scatter", scatter_data(view)}};
}

}  // namespace moesim
