// What became of a case, in words.
#pragma once

#include <string>

#include "reports/results/case_report.h"

namespace moesim {

// Why it cannot win: "cannot run: ...", "misses its service level ...", "is saturated ...",
// "completed no request". Empty if it can.
std::string disqualification_text(const CaseReport& report);

// What the numbers of a case leave out, in one line; empty = nothing that is known.
std::string gaps_text(const CaseReport& report);

// The same without figures, so that cases alike can be counted: "misses its service level".
std::string disqualification_kind(const CaseReport& report);

// The limits of its SLO: "TTFT P99 at most 2.00 s, TPOT P99 at most 30.0 ms"; empty without any.
std::string limits_text(const CaseReport& report);

}  // namespace moesim
