#include "reports/results/metrics.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "reports/results/metric_groups.h"

namespace moesim {
namespace {

std::vector<Metric> all_metrics() {
  std::vector<Metric> table;
  for (auto* group :
       {request_metrics, latency_metrics, throughput_metrics, cost_metrics, energy_metrics,
        memory_metrics, time_metrics, communication_metrics, network_metrics, routing_metrics,
        model_metrics, fault_metrics, quality_metrics}) {
    for (Metric& entry : group()) table.push_back(std::move(entry));
  }
  return table;
}

std::size_t index_of(std::string_view key) {
  static const std::map<std::string, std::size_t, std::less<>> kIndex = [] {
    std::map<std::string, std::size_t, std::less<>> index;
    for (std::size_t i = 0; i < metric_table().size(); ++i) index[metric_table()[i].key] = i;
    return index;
  }();
  const auto found = kIndex.find(key);
  if (found == kIndex.end()) throw std::logic_error("no metric " + std::string(key));
  return found->second;
}

}  // namespace

const std::vector<Metric>& metric_table() {
  static const std::vector<Metric> kTable = all_metrics();
  return kTable;
}

const std::vector<std::string>& metric_groups() {
  static const std::vector<std::string> kGroups = [] {
    std::vector<std::string> groups;
    for (const Metric& entry : metric_table())
      if (groups.empty() || groups.back() != entry.group) groups.push_back(entry.group);
    return groups;
  }();
  return kGroups;
}

const Metric& metric_named(std::string_view key) {
  return metric_table()[index_of(key)];
}

std::optional<double> metric_of(const CaseMetrics& metrics, std::string_view key) {
  const std::size_t index = index_of(key);
  return index < metrics.size() ? metrics[index] : std::nullopt;
}

std::optional<double> metric(const CaseReport& report, std::string_view key) {
  return metric_of(report.metrics, key);
}

}  // namespace moesim
