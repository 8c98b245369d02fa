// What validate prints: scores by topic and metric, then by hardware and model, then what is worst,
// what was left out and what was read into the tables.
#pragma once

#include <string>

#include "scenarios/validate/truth/measurement.h"

namespace moesim {

std::string score_text(const ValidationPlan& plan);

}  // namespace moesim
