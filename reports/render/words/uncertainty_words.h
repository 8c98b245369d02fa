// How sure figures are, in words.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// "0.19 to 0.25 USD", "950 ms to 1.10 s"; empty without an interval.
std::string readable_interval(const CaseReport& report, Metric key);
// The same below the stated value, whose unit it leaves out where it has no other: "0.19 to 0.25".
std::string short_interval(const CaseReport& report, Metric key);

// "P10 to P90: over 10 Monte Carlo samples of the 62 uncertain numbers (...)"; empty without
// samples.
std::string sampling_sentence(const Report& report);

}  // namespace moesim
