// How a loss on the combine weights reaches the gate's logits: the force that makes an unbalanced
// router collapse, because an expert that is not chosen feels none of it once weights are
// renormalised. Source: docs/physics.md, "Balancing".
#pragma once

#include <cstdint>
#include <span>

#include "models/router/training/balance_loss.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Combine weights g_i of the chosen experts: s_i / (sum_S s + 1e-20) where renormalised, or where a
// softmax counts the chosen alone, else scaling s_i. A single score that is no share stays what it
// is. A scaling of renormalised weights is left out: linear experts absorb a common factor, and the
// step sizes of the reference training are those of weights that add up to 1.
// Shapes: ids and weights [tokens, top_k]. Requires: a scheme from with_implied_weights().
void combine_weights(const RouterSpec& router, const GateScores& batch,
                     std::span<const std::uint16_t> ids, std::span<float> weights);

// Adds dL/dz from q_i = dL/dg_i of the chosen experts S, with l_i = d ln s_i / d z_i:
//   renormalised         dL/dz_i = g_i l_i (q_i - sum_S g q) on S, 0 off S;
//   softmax, as it is    dL/dz_j = g_j q_j [j in S] - p_j sum_S g q for every j;
//   other scores, as is  dL/dz_i = g_i l_i q_i on S, 0 off S.
// Shapes: weight_gradient [tokens, top_k], gradient [tokens, experts].
void add_weight_gradient(const RouterSpec& router, const GateScores& batch,
                         const ChosenWeights& chosen, std::span<const float> weight_gradient,
                         std::span<float> gradient);

// Scale of the noise of noisy top-k, s = ln(1 + e^r) + least: softplus alone could vanish below a
// quotient. Source: Shazeer 2017, equation 4; least is tensor2tensor's noise_epsilon.
inline constexpr float kLeastNoise = 0.01F;
float noise_scale(float raw);
// ds / dr = sigmoid(r) = 1 - e^-(s - least), from s itself.
float noise_scale_slope(float scale);

}  // namespace moesim
