// One function per topic: every row of a table becomes figures of the plan.
#pragma once

#include "scenarios/validate/truth/measurement.h"

namespace moesim {

// Each adds one figure per row (energy: per figure of a row), predicted, to be simulated, or
// skipped by name. Requires: a table of that topic.
void plan_serving(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_energy(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_memory(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_kernels(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_collectives(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_routing(const TruthTable& table, const Library& library, ValidationPlan& plan);
void plan_training(const TruthTable& table, const Library& library, ValidationPlan& plan);

}  // namespace moesim
