// SparseMixer-v2 as Phi-3.5-MoE uses it: experts one after the other, each weighed only among
// logits close to the largest that is left. Source: arXiv:2310.00811, arXiv:2409.12136.
#pragma once

#include <span>

#include "models/router/kernel/router_kernel.h"
#include "models/spec/model_spec.h"

namespace moesim {

// For each pick, with m the largest logit of the experts left:
//   C = {i left: m - z_i <= 2 mixer_jitter max(|z_i|, m)},  weight = scaling e^z / sum_C e^z
// of the expert with logit m; while training, of one drawn from C with these shares (the factors of
// 1/3 that estimate its gradient are left out).
// Shapes: logits [tokens, outputs]; routed [tokens, top_k], weights not empty.
void route_sparse_mixer(const MoeSpec& moe, std::span<const float> logits,
                        const RouteOptions& options, RoutedTokens routed);

}  // namespace moesim
