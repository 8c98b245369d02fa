// Why the figures of a run are too uncertain to act on.
#pragma once

#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

struct Shortcoming {
  enum class Kind {
    kNoSteadyState,  // The warm-up did not end.
    kUnfinished,     // `value`: share of the requests that had not ended.
    kFewEndToEnds,   // `value`: time measured over the P99 of end-to-end times.
    kUncertain,      // `metric`: the half-width, `value`, that is too large; 0 = not known at all.
  };
  Kind kind = Kind::kNoSteadyState;
  double value = 0;
  Metric metric = Metric::kTokenRateHalfWidthShare;
};

// By kLeastPrecision; empty for a run that can be trusted, and where traffic is not stationary.
std::vector<Shortcoming> shortcomings_of(const CaseReport& report);

}  // namespace moesim
