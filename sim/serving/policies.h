// Batching policies by name: one file each under policies/, one line each in the table of
// policies.cpp.
#pragma once

#include "sim/serving/batcher.h"

namespace moesim {

// Adds the tokens of one step.
using PlanStep = void (*)(Batcher& batcher, RankStep& step);

void plan_mixed(Batcher& batcher, RankStep& step);
void plan_prefill_first(Batcher& batcher, RankStep& step);

PlanStep plan_of(BatchPolicy policy);

}  // namespace moesim
