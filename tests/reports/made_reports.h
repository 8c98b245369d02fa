// Case reports with a few metrics set by hand, all others absent.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "reports/results/metrics.h"

namespace moesim::made {

inline void set(CaseReport& report, std::string_view key, double value) {
  report.metrics.resize(metric_table().size());
  for (std::size_t i = 0; i < report.metrics.size(); ++i)
    if (metric_table()[i].key == key) report.metrics[i] = value;
}

// A finished case that nothing keeps from winning.
inline CaseReport report(const std::string& name, bool moe,
                         std::initializer_list<std::pair<std::string_view, double>> values) {
  CaseReport made;
  made.name = name;
  made.is_moe = moe;
  set(made, "requests_completed", 100);
  set(made, "requests_arrived", 100);
  set(made, "output_tokens", 1000);
  for (const auto& [key, value] : values) set(made, key, value);
  return made;
}

}  // namespace moesim::made
