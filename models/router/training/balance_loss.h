// Losses and rules that keep a router balanced: value and exact gradient with respect to the
// logits. How often an expert was chosen is a constant of every loss: no gradient passes the top-k.
// Source: docs/physics.md, "Balancing", unless a function says otherwise.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/kernel/router_kernel.h"

namespace moesim {

// Scores of a batch in somebody else's memory, before any correction bias.
struct GateScores {
  ScoreFunction function = ScoreFunction::kSoftmax;
  std::int64_t experts = 0;
  std::span<const float> scores;  // [tokens, experts]

  std::int64_t tokens() const { return static_cast<std::int64_t>(scores.size()) / experts; }
};

// d ln s / d z of a score s: 1 for e^z (softmax is its share), 1 - s for the sigmoid, and for
// s = sqrt(v), v = ln(1 + e^z): (1 - e^-v) / (2 v).
float log_slope(ScoreFunction function, float score);

// Counts of a batch's choices.
struct RoutedCounts {
  std::int64_t tokens = 0;
  std::int64_t top_k = 0;
  std::vector<double> chosen;         // [experts] n_i, over all choices of a token.
  std::vector<double> first_choices;  // [experts] c_i
};
// Shapes: ids [tokens, top_k], best first, or kNoExpert.
RoutedCounts routed_counts(std::span<const std::uint16_t> ids, std::int64_t top_k,
                           std::int64_t experts);

// Tokens that go to each device, an expert's device being expert / experts_per_device; a token with
// several experts there counts once. Requires: experts_per_device divides experts.
std::vector<double> device_tokens(std::span<const std::uint16_t> ids, std::int64_t top_k,
                                  std::int64_t experts, std::int64_t experts_per_device);

// Many losses are linear in the mean share of the scores that an expert gets,
//   L = sum_i a_i P_i,  P_i = mean_t s'_ti,  s'_ti = s_ti / sum_j s_tj,
// and differ only in the prices a_i, which come from counts. The share of softmax is the softmax.
using Prices = std::vector<double>;  // [experts]

// Switch, Megatron: a_i = weight E f_i, f_i = n_i / (k T); L >= weight for shares in the order of
// the counts, = weight at balance. DeepSeek-V2's expert loss is the same. Source: arXiv:2101.03961.
Prices switch_prices(const RoutedCounts& counts, double weight);

// GShard: a_i = weight c_i / (E T); L = weight / E^2 at balance. Source: arXiv:2006.16668.
Prices gshard_prices(const RoutedCounts& counts, double weight);

// DeepSeek-V2, over D devices of E / D experts: L = weight sum_d f'_d P'_d with f'_d the mean of
// E n_i / (k T) and P'_d the sum of P_i over the device's experts: a_i = weight f'_d(i); L = weight
// at balance. Source: arXiv:2405.04434. Requires: devices divides the experts.
Prices device_prices(const RoutedCounts& counts, std::int64_t devices, double weight);

// DeepSeek-V2: a_i = weight f''_d(i), f''_d = D / (M T) tokens sent to d, M the devices that a
// token may reach; L = weight when every token reaches M. Source: arXiv:2405.04434. Shapes: sent
// [devices], of device_tokens().
Prices communication_prices(std::span<const double> sent, const RoutedCounts& counts,
                            std::int64_t device_limit, double weight);

// Value of sum_i a_i P_i; adds its gradient
//   dL/dz_tj = s'_tj l_tj (a_j - sum_i a_i s'_ti) / T,  l = d ln s / d z.
// Shapes: prices [experts], gradient [tokens, experts].
double add_share_loss(const GateScores& batch, std::span<const double> prices,
                      std::span<float> gradient);

// The choices that a loss per sequence counts by itself.
struct SequenceChoices {
  std::span<const std::uint16_t> ids;  // [tokens, top_k]
  std::int64_t top_k = 0;
  std::int64_t sequence_tokens = 0;  // The last sequence may be shorter.
};
// DeepSeek-V3's sequence loss: Switch's with counts and shares of one sequence, averaged over the
// sequences. Source: arXiv:2412.19437.
double add_sequence_loss(const GateScores& batch, const SequenceChoices& choices, double weight,
                         std::span<float> gradient);

// z-loss: L = weight mean_t lse_t^2, lse_t = ln sum_j e^z_tj; dL/dz_tj = 2 weight lse_t p_tj / T.
// Shapes: logits, shares (their softmax p) and gradient [tokens, experts].
// Source: arXiv:2202.08906.
double add_z_loss(std::span<const float> logits, const GateScores& shares, double weight,
                  std::span<float> gradient);

// Squared coefficient of variation of loads I_i: L = weight (E sum_i I_i^2 / S^2 - 1), S = sum_i
// I_i; writes dL/dI_j = weight 2 E / S (I_j / S - sum_i I_i^2 / S^2). Nothing sent: 0.
// Shapes: loads, slope [experts]. Source: Shazeer 2017, arXiv:1701.06538, equations 7 and 11.
double squared_variation(std::span<const double> loads, double weight, std::span<double> slope);

// Chosen experts with their weights, or the gradient with respect to those.
struct ChosenWeights {
  std::span<const std::uint16_t> ids;  // [tokens, top_k]
  std::span<const float> weights;      // [tokens, top_k]
};
// Importance loss: squared_variation of I_i = sum_t g_ti; adds dL/dg_ti = dL/dI_i.
// Shapes: weight_gradient [tokens, top_k].
double add_importance_loss(const ChosenWeights& chosen, std::int64_t experts, double weight,
                           std::span<float> weight_gradient);

// Logits with noise as noisy top-k sees them: h = z + epsilon s.
struct NoisyLogits {
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  std::span<const float> clean;        // [tokens, experts] z
  std::span<const float> noisy;        // [tokens, experts] h
  std::span<const float> scale;        // [tokens, experts] s > 0
  std::span<const float> noise;        // [tokens, experts] epsilon
  std::span<const std::uint16_t> ids;  // [tokens, top_k], the largest h.
};
// Where the gradient of a loss of noisy logits goes; noise is a constant.
struct NoisyGradient {
  std::span<float> clean;  // [tokens, experts] dL/dz
  std::span<float> scale;  // [tokens, experts] dL/ds
};
// Load loss: squared_variation of Load_i = sum_t Phi(u_ti), the chance that a fresh draw of i's
// noise alone keeps i among the top k:
//   u_ti = (z_ti - h_tm) / s_ti,  m the k-th largest h of the experts other than i.
// With d = dL/dLoad_i phi(u_ti) / s_ti: dL/dz_ti += d, dL/ds_ti -= d u_ti, dL/dz_tm -= d,
// dL/ds_tm -= d epsilon_tm. Requires: top_k < experts. Source: arXiv:1701.06538, equations 8 to 11.
double add_load_loss(const NoisyLogits& logits, double weight, const NoisyGradient& gradient);

// Loss-free balancing, once per batch: c_i += rate sign(target - n_i). The correction enters the
// selection only. Shapes: counts, correction [experts]. Source: arXiv:2408.15664.
void update_correction(std::span<const double> counts, double target, double rate,
                       std::span<float> correction);

}  // namespace moesim
