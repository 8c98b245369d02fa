// What a comparison comes to beyond its tables: the Pareto front, where MoE and dense break even,
// and the whole bill under a demand that answers to price.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reports/render/report.h"

namespace moesim {

// Paragraphs and tables for a terminal; empty where there is nothing to compare.
std::string answers_text(const Report& report, int width);

// "verdict", "pareto", "break_even", "demand"; the last is null unless the scenario asks.
nlohmann::ordered_json answers_json(const Report& report);

}  // namespace moesim
