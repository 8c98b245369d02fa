// Case reports with a few metrics set by hand, all others absent.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "reports/results/case_report.h"

namespace moesim::made {

inline void set(CaseReport& report, Metric key, std::optional<double> value) {
  report.metrics.resize(metric_table().size());
  report.metrics[static_cast<std::size_t>(key)] = value;
}

// No price and no cost.
inline void clear_costs(CaseReport& report) {
  for (const MetricRow& row : metric_table())
    if (row.group == "cost") set(report, row.metric, std::nullopt);
}

// A finished case that nothing keeps from winning.
inline CaseReport report(const std::string& name, bool moe,
                         std::initializer_list<std::pair<Metric, double>> values) {
  CaseReport made;
  made.name = name;
  made.is_moe = moe;
  set(made, Metric::kRequestsCompleted, 100);
  set(made, Metric::kRequestsArrived, 100);
  set(made, Metric::kOutputTokens, 1000);
  for (const auto& [key, value] : values) set(made, key, value);
  return made;
}

}  // namespace moesim::made
