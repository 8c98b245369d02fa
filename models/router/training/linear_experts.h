// The experts of the miniature: linear maps, each computing on just the tokens sent to it, grouped
// so that a step costs few and contiguous products.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/training/balance_loss.h"

namespace moesim {

// Choices sorted by expert: rows [first[e], first[e + 1]) belong to expert e.
struct ExpertRows {
  std::vector<std::int64_t> first;   // [experts + 1]
  std::vector<std::int64_t> choice;  // [rows] index into [tokens, top_k].
};

class LinearExperts {
 public:
  // `routed` maps with entries of N(0, 0.1^2), then `identity` experts that return their input
  // (LongCat's zero experts) and never learn.
  LinearExperts(std::int64_t routed, std::int64_t identity, std::int64_t width, std::uint64_t seed);

  // y_t = sum_j g_tj F_j(x_t) for the choices that are sent, the error e_t = y_t - target_t and the
  // mean loss of half its square; writes q_tj = dL/dg_tj = (e_t . F_j(x_t)) / tokens, 0 where
  // nothing was sent. Keeps the values that learn() needs.
  // Shapes: states, targets [tokens, width]; sent.ids, sent.weights, weight_gradient
  // [tokens, top_k].
  double forward(std::span<const float> states, std::span<const float> targets,
                 const ChosenWeights& sent, std::span<float> weight_gradient);

  // One SGD step: F_e -= rate dL/dF_e, clipped per expert. Requires: forward() before.
  void learn(double rate);

 private:
  void gather(std::span<const float> states, std::span<const std::uint16_t> ids,
              std::int64_t top_k);
  void compute_outputs();
  void pull_back(std::span<const float> weights, std::int64_t top_k,
                 std::span<float> weight_gradient);

  std::int64_t routed_;
  std::int64_t identity_;
  std::int64_t width_;
  std::vector<float> maps_;  // [routed, width in, width out]
  ExpertRows rows_;
  std::vector<float> inputs_;    // [rows, width] states by row.
  std::vector<float> outputs_;   // [rows, width] F_e(x) by row, then dL/dF_e(x).
  std::vector<float> errors_;    // [tokens, width]
  std::vector<float> gradient_;  // [width, width] of one expert.
};

}  // namespace moesim
