// The predictions of a validation as a table.
#pragma once

#include <string>

#include "scenarios/validate/plan/validation_plan.h"

namespace moesim {

// id,metric,predicted,unit,status; one line per figure, in the order of the tables. status is
// "predicted" or "skipped: reason"; predicted is empty where skipped.
std::string predictions_csv(const ValidationPlan& plan);

}  // namespace moesim
