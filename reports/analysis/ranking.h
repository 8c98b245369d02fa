// Which cases may win and in which order: by money where every one of them has a price, else by
// energy.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Why a case cannot win.
enum class Disqualification {
  kNone,  // It can.
  kSkipped,
  kFailed,
  kInfeasible,
  kNothingCompleted,
  kNoToken,
  kRejections,  // It turns away more than 1 % of its requests.
  kSaturated,
  kTooShort,  // Its figures are too uncertain to act on, see too_short.h.
  kMissesSlo,
  kUnsafe,  // It keeps its SLO as stated, but in too few samples.
};
Disqualification disqualification(const CaseReport& report);
bool can_win(const CaseReport& report);

// Share of the requests that came.
double rejected_share(const CaseReport& report);

// A limit of the SLO, and what was reached.
struct SloLimit {
  Metric metric = Metric::kTtftP99;
  double limit = 0;
  std::optional<double> reached;

  bool is_missed() const { return reached && *reached > limit; }
};
std::vector<SloLimit> slo_limits(const CaseReport& report);

// The metric that all cases able to win are compared by: cost per million output tokens, or energy
// per output token if one of them has no price.
Metric ranking_metric(const std::vector<CaseReport>& cases);

// Indices of the cases that can win, best first; equal ones in their order.
std::vector<std::size_t> ranking(const std::vector<CaseReport>& cases);

// What a sweep sets of the workload (paths and values of workload.*), in the order of the paths:
// rows in which it differs do not serve the same traffic.
using WorkloadPoint = std::vector<std::pair<std::string, std::string>>;
WorkloadPoint workload_point(const CaseReport& report);

// The cases that a page or a terminal has room for: all of them if at most `most`, else the best in
// the ranking, filled up in report order; in report order.
std::vector<std::size_t> shown_cases(const std::vector<CaseReport>& cases, std::size_t most);

}  // namespace moesim
