// What a comparison comes to beyond its numbers, for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "reports/results/report.h"

namespace moesim {

// "verdict", "pareto", "break_even", "demand"; the last is null unless the scenario asks.
nlohmann::ordered_json answers_json(const Report& report);

}  // namespace moesim
