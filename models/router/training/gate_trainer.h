// One training step of the miniature: tokens, routing, experts, losses, descent. gate_training.h
// defines the task.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "models/router/training/balance_loss.h"
#include "models/router/training/gate_training.h"
#include "models/router/training/linear_experts.h"
#include "models/router/training/topic_task.h"

namespace moesim {

// Rules that weigh a whole batch while training instead of taking each token's largest keys.
constexpr bool chooses_by_batch(SelectionRule rule) {
  return rule == SelectionRule::kSinkhorn || rule == SelectionRule::kQuantile ||
         rule == SelectionRule::kBalancedAssignment;
}

class GateTrainer {
 public:
  // Requires: recipe_fault(moe, recipe) is empty.
  GateTrainer(const MoeSpec& moe, const TrainingRecipe& recipe, std::uint64_t seed);

  // One batch, one descent. Returns the task loss.
  double step();

  // Choices per expert of the last batch, before any capacity: [routed, then zero experts].
  std::span<const double> load() const { return counts_.chosen; }

  // Selection-only biases that loss-free balancing has reached.
  std::span<const float> correction() const { return correction_; }

 private:
  void draw_gate_inputs();
  void compute_logits();
  void add_noise();
  void choose();
  void leave_out_second_experts();
  void add_balance_gradient();
  void add_share_losses(const GateScores& scores);
  void add_noise_gradient();
  void descend_gate();

  MoeSpec moe_;
  TrainingRecipe recipe_;
  std::int64_t outputs_;
  bool noisy_;
  TopicTask task_;
  LinearExperts experts_;
  std::int64_t width_;
  RandomStream jitter_stream_;
  RandomStream noise_stream_;
  RandomStream second_stream_;

  std::vector<float> gate_;        // [width, outputs]
  std::vector<float> gate_bias_;   // [outputs], or empty.
  std::vector<float> noise_gate_;  // [width, outputs] of noisy top-k, or empty.
  std::vector<float> correction_;  // [outputs]

  TopicBatch batch_;
  std::vector<float> gate_inputs_;      // [tokens, width] states with jitter.
  std::vector<float> clean_logits_;     // [tokens, outputs]
  std::vector<float> logits_;           // [tokens, outputs] with noise.
  std::vector<float> noise_scale_;      // [tokens, outputs]
  std::vector<float> noise_;            // [tokens, outputs]
  std::vector<float> scores_;           // [tokens, outputs]
  std::vector<float> weights_;          // [tokens, top_k]
  std::vector<float> weight_gradient_;  // [tokens, top_k]
  std::vector<std::uint16_t> chosen_;   // [tokens, top_k]
  std::vector<std::uint16_t> wanted_;   // [tokens, top_k] less GShard's second experts left out.
  std::vector<std::uint16_t> sent_;     // [tokens, top_k] less those beyond the capacity.
  std::vector<float> gradient_;         // [tokens, outputs] of the logits.
  std::vector<float> scale_gradient_;   // [tokens, outputs] of the noise scale.
  std::vector<float> gate_gradient_;    // [width, outputs]
  RoutedCounts counts_;
};

}  // namespace moesim
