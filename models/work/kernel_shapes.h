// The kernel shapes that a deployment of a model runs: those that a table of measured kernels has
// to hold to cover the deployment.
#pragma once

#include <string>
#include <vector>

#include "hardware/kernels/kernel.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

// One kernel of each shape that one rank runs, of any extent.
// Requires: a plan without faults for this model.
std::vector<Kernel> kernel_shapes(const ModelSpec& model, const ParallelPlan& plan,
                                  const DtypePlan& dtypes);

// CSV with the columns of a measured table that must match exactly, one row per shape; the
// columns between which times are interpolated are left to the measurement. `groups` of
// grouped_gemm is the most experts that a rank can hit.
std::string kernel_shapes_csv(const std::vector<Kernel>& kernels);

}  // namespace moesim
