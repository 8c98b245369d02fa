// A short training of a gate with its experts, in miniature: why routers collapse without balancing
// and what each cure costs. Source: docs/physics.md, "Balancing".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/router/bank/training_point.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Weights of the losses and rates of the rules that balance a router; 0 = off.
struct BalanceRecipe {
  double aux_loss = 0;            // Switch, Megatron: alpha E sum_i f_i P_i.
  double sequence_aux_loss = 0;   // The same within a sequence (DeepSeek-V3: 1e-4).
  double gshard_loss = 0;         // alpha / E sum_i (c_i / T) m_i, first choices.
  double z_loss = 0;              // beta mean lse(z)^2.
  double importance_loss = 0;     // Shazeer 2017: w CV(importance)^2.
  double load_loss = 0;           // Shazeer 2017: w CV(load)^2; needs noisy top-k.
  double device_loss = 0;         // DeepSeek-V2: alpha_2 sum_d f'_d P'_d.
  double communication_loss = 0;  // DeepSeek-V2: alpha_3 sum_d f''_d P''_d.
  std::int64_t devices = 1;       // Of the two losses above.
  double bias_rate = 0;           // Loss-free: c_i += rate sign(mean(n) - n_i) after each step.

  bool operator==(const BalanceRecipe&) const = default;
};

struct TrainingRecipe {
  BalanceRecipe balance;
  std::int64_t steps = 4000;
  std::int64_t batch_tokens = 256;
  double gate_rate = 0.2;     // SGD.
  double expert_rate = 0.05;  // SGD.

  bool operator==(const TrainingRecipe&) const = default;
};

struct TrainingRun {
  std::vector<TrainingPoint> history;  // At most 100 points over the run.
  TrainingPoint final;                 // Over the last tenth of the steps.
  // [expert] over the last tenth of the steps, over the mean of all that the gate scores: routed,
  // then zero experts.
  std::vector<double> load_over_mean;
};

// Why this recipe cannot train this scheme, as one sentence that opens with the field at fault;
// empty if it can. Rates are 0 to 1, weights 0 to 10, steps 1 to 100,000, batches 16 to 65,536
// tokens, and all of it at most 1e12 multiply-adds, some minutes of one core.
std::string recipe_fault(const MoeSpec& moe, const TrainingRecipe& recipe);

// Trains a gate of this scheme together with linear experts: max(16, experts) topics with Zipf(1)
// popularity, states 2 (u_topic + 0.15 noise), a linear target per topic, plain SGD on half the
// squared error plus the recipe's losses. Steps and batches are the recipe's at every size. Left
// out: shared experts, which would learn the part common to all topics, and a scaling of
// renormalised weights. Gradients are clipped at a norm of 10 per matrix, ten times that of the
// reference, so that a diverging recipe ends as a large but finite loss. Same arguments, same
// result.
// Throws: std::invalid_argument with recipe_fault().
TrainingRun train_gate(const MoeSpec& moe, const TrainingRecipe& recipe, std::uint64_t seed);

}  // namespace moesim
