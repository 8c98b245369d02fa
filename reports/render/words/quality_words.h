// Predicted quality of two cases in words, beside their costs.
#pragma once

#include <string>

#include "reports/results/case_report.h"

namespace moesim {

// "1.86 nat (1.83 to 1.89)". Requires: a predicted loss.
std::string loss_text(const CaseReport& report);

// What quality_order() says, with both losses and their intervals: "dense is predicted to answer
// better than moe: loss 1.86 nat (1.83 to 1.89) against 1.98 nat (1.87 to 2.00)". Empty for two
// cases of one model. `name_a`, `name_b`: what the cases are called in it.
std::string quality_clause(const CaseReport& a, const std::string& name_a, const CaseReport& b,
                           const std::string& name_b);

}  // namespace moesim
