// Which cases may win and in which order: by money where every one of them has a price, else by
// energy.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Why a case cannot win: "cannot run: ...", "misses its service level ...", "is saturated ...",
// "completed no request". Empty if it can.
std::string disqualification(const CaseReport& report);

// The same without figures, so that cases alike can be counted: "misses its service level".
std::string disqualification_kind(const CaseReport& report);

// The limits of its service level: "TTFT P99 at most 2.00 s, TPOT P99 at most 30.0 ms"; empty
// without any.
std::string limits_text(const CaseReport& report);

// The key that all cases able to win are compared by: cost per million output tokens, or energy per
// output token if one of them has no price.
std::string_view ranking_key(const std::vector<CaseReport>& cases);

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
