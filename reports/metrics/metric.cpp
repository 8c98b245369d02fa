#include "reports/metrics/metric.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "reports/metrics/groups.h"

namespace moesim {
namespace {

std::size_t place_of(Metric metric) {
  return static_cast<std::size_t>(metric);
}

std::vector<MetricRow> sorted_rows() {
  std::vector<MetricRow> rows;
  for (auto* group :
       {request_metrics, measuring_metrics, latency_metrics, throughput_metrics, cost_metrics,
        energy_metrics, memory_metrics, time_metrics, communication_metrics, network_metrics,
        routing_metrics, model_metrics, fault_metrics, quality_metrics}) {
    for (MetricRow& row : group()) rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(rows, {}, &MetricRow::metric);
  return rows;
}

std::vector<MetricRow> checked_rows() {
  std::vector<MetricRow> rows = sorted_rows();
  for (std::size_t i = 0; i < std::max(rows.size(), place_of(Metric::kNumMetrics)); ++i) {
    if (i < rows.size() && place_of(rows[i].metric) == i) continue;
    const std::string before = i == 0 ? "the first one" : "the one after " + rows[i - 1].key;
    throw std::logic_error("metric without one row of its own: " + before);
  }
  return rows;
}

}  // namespace

const std::vector<MetricRow>& metric_table() {
  static const std::vector<MetricRow> kTable = checked_rows();
  return kTable;
}

const std::vector<std::string>& metric_groups() {
  static const std::vector<std::string> kGroups = [] {
    std::vector<std::string> groups;
    for (const MetricRow& row : metric_table())
      if (groups.empty() || groups.back() != row.group) groups.push_back(row.group);
    return groups;
  }();
  return kGroups;
}

const MetricRow& metric_row(Metric metric) {
  return metric_table()[place_of(metric)];
}

std::optional<double> metric(const CaseMetrics& metrics, Metric key) {
  return place_of(key) < metrics.size() ? metrics[place_of(key)] : std::nullopt;
}

CaseMetrics compute_metrics(const MetricInput& input) {
  CaseMetrics values;
  values.reserve(metric_table().size());
  for (const MetricRow& row : metric_table()) {
    values.push_back(row.compute(input));
    if (values.back() && !std::isfinite(*values.back()))
      throw std::logic_error("metric " + row.key + " is not finite");
  }
  return values;
}

}  // namespace moesim
