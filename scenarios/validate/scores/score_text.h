// The text output of validate: scores by topic and metric, by hardware and by model, the worst
// series, skipped rows and assumed conditions.
#pragma once

#include <string>

#include "scenarios/validate/plan/validation_plan.h"

namespace moesim {

std::string score_text(const ValidationPlan& plan);

}  // namespace moesim
