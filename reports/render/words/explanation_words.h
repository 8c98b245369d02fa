// The parts of a difference in words.
#pragma once

#include <string>
#include <string_view>

#include "reports/analysis/explain.h"

namespace moesim {

std::string_view part_name(CostPart part);     // "compute", "HBM", "network", ...
std::string_view part_meaning(CostPart part);  // One sentence.

std::string_view quantity_name(ExplainedQuantity quantity);  // "cost per million output tokens"
std::string_view quantity_unit(ExplainedQuantity quantity);  // "USD"

// "+1.20 USD".
std::string signed_amount(double difference, ExplainedQuantity quantity);

// Both figures, and the largest part of their difference. `a`, `b`: what the cases are called.
std::string explanation_sentence(const std::string& a, const std::string& b,
                                 const Explanation& explanation);

}  // namespace moesim
