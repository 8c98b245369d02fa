// What imbalance costs, in words.
#pragma once

#include <string>

#include "reports/results/case_report.h"

namespace moesim {

// "What imbalance costs moe, against balanced routing: TPOT P50 +4.1 %, ..."; empty without a
// balanced twin.
std::string imbalance_sentence(const CaseReport& report);

}  // namespace moesim
