// The one table of metrics: every number that any output shows, with key, unit and meaning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// What a metric is computed from.
struct MetricInput {
  const Deployment& deployment;
  const Workload* workload = nullptr;  // Null for an infeasible case.
  const Summary* summary = nullptr;    // Null for an infeasible case.
  const MemoryLedger& memory;
};

struct Metric {
  std::string key;      // "ttft_p99_s": SI unit in the key.
  std::string label;    // "TTFT P99", for people.
  std::string group;    // One of metric_groups().
  std::string unit;     // "s", "B", "token/s", ...; "share" in [0, 1], "count", "ratio", "0/1".
  std::string meaning;  // One sentence.
  std::optional<double> (*compute)(const MetricInput&);
};

// In the order of the columns of cases.csv. Add a metric by adding a line.
const std::vector<Metric>& metric_table();

// Every group in the order of the table.
const std::vector<std::string>& metric_groups();

// The metric of a key. Requires: a key of the table.
const Metric& metric_named(std::string_view key);

// Value of a metric by key; nothing if absent. Requires: a key of the table.
std::optional<double> metric_of(const CaseMetrics& metrics, std::string_view key);
std::optional<double> metric(const CaseReport& report, std::string_view key);

}  // namespace moesim
