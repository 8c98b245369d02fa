// One function per topic: adds the figures of every row of a table to the plan.
#pragma once

#include "scenarios/validate/plan/validation_plan.h"

namespace moesim {

// Each adds one figure per row (energy: one per figure of a row): predicted, to be simulated, or
// skipped with a reason. Requires: a table of that topic.
void plan_serving(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_energy(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_memory(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_kernels(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_collectives(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_routing(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_training(const TruthTable& table, const Library& library, ValidationPlan& plan);

}  // namespace moesim
