// A case against the same case with a baseline in place of its router: what simpler assumptions
// about routing would have said, and what imbalance costs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Metrics that are compared, in the order of the tables.
const std::vector<Metric>& baseline_metrics();

// Relative difference of the baseline's metric from the case's; nothing where either has no value,
// the case's is zero, or the metric is a share itself.
std::optional<double> relative_difference(const CaseReport& report, const CaseReport& baseline,
                                          Metric key);

// "balanced routing" of a baseline called "moe (balanced routing)".
std::string baseline_title(const CaseReport& report, const CaseReport& baseline);

// The finished twin without any imbalance; null if the case has none.
const CaseReport* balanced_twin(const CaseReport& report);

// What imbalance does to one metric.
struct ImbalanceEffect {
  Metric metric = Metric::kTpotP50;
  double value = 0;     // With imbalance ...
  double balanced = 0;  // ... and without.
  double change = 0;    // The difference over the latter.
};
// On time, memory, energy and money; empty without a balanced twin.
std::vector<ImbalanceEffect> imbalance_effects(const CaseReport& report);

}  // namespace moesim
