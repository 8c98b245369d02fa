// The part of linear_kernels that belongs to token mixing.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/kernels/kernel.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

// Appends the projections before and after the core. kv_b of MLA belongs to the core
// (attention_kernels), because prefill expands the latent with it while decode folds it into
// queries.
void add_attention_projections(std::vector<Kernel>& out, const ModelSpec& model,
                               const LayerSpec& layer, const ParallelPlan& plan,
                               const DtypePlan& dtypes, std::int64_t tokens);

}  // namespace moesim
