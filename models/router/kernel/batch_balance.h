// Rules that balance a batch while training by a number per expert that is added to its keys.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

// Sinkhorn: with A = exp(z), d_1 = 1 and T tokens, E experts,
//   d_0 = 1 / (T (A d_1 + 1e-8)),  d_1 = 1 / (E (A^T d_0 + 1e-8))  until mean |change of d_1| <
//   1e-4;
// the top-k of d_0 A d_1 are those of z + ln d_1, which this returns. Rows are scaled to a largest
// entry of 1 first, which only scales d_0. Source: Megatron-LM moe_utils.py.
// Shapes: logits [tokens, outputs]; result [outputs].
std::vector<float> sinkhorn_correction(const MoeSpec& moe, std::span<const float> logits);

// Quantile balancing: minus the prices beta at which, with n = tokens top_k / outputs rounded down,
//   alpha_t = the (top_k + 1)-th largest of z_te - beta_e, which a chosen expert must exceed,
//   beta_e = the (n + 1)-th largest of z_te - alpha_t, so that n tokens exceed it,
// found by turns from beta = 0. Megatron takes one turn per batch and a moving average over them;
// while serving this correction is frozen. Source: Megatron-LM router.py.
// Shapes: logits [tokens, outputs]; result [outputs].
std::vector<float> quantile_correction(const MoeSpec& moe, std::span<const float> logits);

}  // namespace moesim
