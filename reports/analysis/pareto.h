// Which cases no other beats in every respect: cost, energy, latency and predicted quality.
#pragma once

#include <optional>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

struct ParetoFront {
  std::vector<Metric> objectives;    // That every case able to win has; less is better.
  std::vector<Metric> telling;       // Those of them in which these cases differ.
  std::vector<Metric> left_out;      // That one of them lacks.
  bool extrapolated = false;         // Quality is, for one of them at least.
  bool assumed = false;              // Training tokens are, for one of them at least.
  bool quality_differs = false;      // Between any two of them.
  std::size_t able = 0;              // Cases that can win ...
  std::vector<std::size_t> members;  // ... and the front's, as indices, in report order.

  bool has(Metric key) const;  // Among the objectives.
};

// Of the cases that can win (reports/analysis/ranking.h): those that no other is at least as good
// as in every objective and better in one.
ParetoFront pareto_front(const std::vector<CaseReport>& cases);

// Value of an objective; for Metric::kPredictedLoss the extrapolated one outside the law too.
std::optional<double> objective(const CaseReport& report, Metric key);

}  // namespace moesim
