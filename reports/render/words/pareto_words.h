// The Pareto front in words.
#pragma once

#include <string>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// One sentence; empty for fewer than two cases that can win.
std::string pareto_sentence(const std::vector<CaseReport>& cases);

}  // namespace moesim
