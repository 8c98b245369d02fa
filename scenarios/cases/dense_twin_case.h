// The same case with a dense model in place of its MoE: same workload, service level, cluster,
// engine and formats.
#pragma once

#include "models/spec/dense_twin.h"
#include "scenarios/cases/scenario.h"

namespace moesim {

// "moe" -> "moe (dense, equal active)". The dense model is dense_model_of() at
//   active   the parameters that a token uses
//   total    all parameters
//   memory   as many bytes on the fullest device as the case's weights and the KV cache of the
//            sequences that it can have running: engine limit, users or requests and KV pool,
//            whichever is least, at the mean input and half the mean output
//   quality  the joint scaling law's loss after the same training tokens
// Layout: the whole cluster. Of tp 1, 2, 4, ... inside a node and then pipeline stages the first
// whose weights take at most half of what the engine may use, so that batches have room; else the
// first that fits; replicas fill the cluster. For equal memory, as many replicas of as many
// devices as the case has. Separate pools are one. Weights are in the format of the experts, which
// most of the case's weights have. A size that no dense model has, and one that the cluster cannot
// hold, is a case that cannot run and says so. Requires: an MoE model.
Case dense_twin_case(const Case& one, TwinMatch match, const Variation& variation);

}  // namespace moesim
