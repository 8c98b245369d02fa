// What a comparison comes to beyond its table: the Pareto front, where MoE and dense break even,
// and the monthly bill with demand response.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// Paragraphs and tables for a terminal; empty where there is nothing to compare.
std::string answers_text(const Report& report, int width);

}  // namespace moesim
