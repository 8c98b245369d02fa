#include "models/router/training/gate_trainer.h"

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <numeric>

#include "models/router/kernel/capacity.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/training/dense_loops.h"
#include "models/router/training/gate_gradient.h"

namespace moesim {

namespace {

constexpr double kInitialSpread = 0.02;
// Tokens of one sequence for the sequence loss: 8 sequences in the reference batch.
constexpr std::int64_t kSequenceTokens = 32;

std::size_t size_of(std::int64_t count) {
  return static_cast<std::size_t>(count);
}

MatrixView view(const std::vector<float>& values, std::int64_t columns) {
  return {values.data(), static_cast<std::int64_t>(values.size()) / columns, columns, columns};
}

// Devices that a token may reach at most.
std::int64_t device_limit(const MoeSpec& moe, std::int64_t devices) {
  const bool by_group = moe.router.num_groups == devices && devices > 1;
  return by_group ? moe.router.top_groups : std::min(moe.top_k, devices);
}

}  // namespace

GateTrainer::GateTrainer(const MoeSpec& moe, const TrainingRecipe& recipe, std::uint64_t seed)
    : moe_(with_implied_weights(moe)),
      recipe_(recipe),
      outputs_(gate_outputs(moe)),
      noisy_(moe.router.rule == SelectionRule::kNoisyTopK),
      task_(moe.num_experts, seed),
      experts_(moe.num_experts, moe.router.num_zero_experts, task_.width(), seed),
      width_(task_.width()),
      jitter_stream_(seed, "gate training jitter"),
      noise_stream_(seed, "gate training exploration"),
      second_stream_(seed, "gate training second experts"),
      gate_(size_of(width_ * outputs_)),
      gate_bias_(moe.router.gate_bias ? size_of(outputs_) : 0),
      noise_gate_(noisy_ ? gate_.size() : 0),
      correction_(size_of(outputs_)) {
  RandomStream random(seed, "gate training gate");
  boost::random::normal_distribution<double> normal(0, kInitialSpread);
  for (float& entry : gate_) entry = static_cast<float>(normal(random));
  const std::size_t cells = size_of(recipe.batch_tokens * outputs_);
  const std::size_t choices = size_of(recipe.batch_tokens * moe.top_k);
  for (auto* buffer : {&clean_logits_, &scores_, &gradient_}) buffer->resize(cells);
  for (auto* buffer : {&weights_, &weight_gradient_}) buffer->resize(choices);
  chosen_.resize(choices);
  gate_gradient_.resize(gate_.size());
}

double GateTrainer::step() {
  task_.draw(recipe_.batch_tokens, batch_);
  draw_gate_inputs();
  compute_logits();
  choose();
  const double loss =
      experts_.forward(batch_.states, batch_.targets, {sent_, weights_}, weight_gradient_);
  add_balance_gradient();
  descend_gate();
  experts_.learn(recipe_.expert_rate);
  if (recipe_.balance.bias_rate > 0) {
    // Zero experts take the remaining choices: only routed experts are steered (LongCat).
    const auto routed = size_of(moe_.num_experts);
    const double sent = std::accumulate(counts_.chosen.begin(), counts_.chosen.end(), 0.0);
    update_correction(std::span(counts_.chosen).first(routed), sent / static_cast<double>(outputs_),
                      recipe_.balance.bias_rate, std::span(correction_).first(routed));
  }
  return loss;
}

void GateTrainer::draw_gate_inputs() {
  gate_inputs_ = batch_.states;
  if (moe_.router.jitter == 0) return;
  for (float& entry : gate_inputs_) {
    entry *= static_cast<float>(1 + moe_.router.jitter * (2 * jitter_stream_.uniform() - 1));
  }
}

void GateTrainer::compute_logits() {
  std::fill(clean_logits_.begin(), clean_logits_.end(), 0.0F);
  add_product(view(gate_inputs_, width_), view(gate_, outputs_), clean_logits_.data());
  for (std::size_t i = 0; !gate_bias_.empty() && i < clean_logits_.size(); ++i) {
    clean_logits_[i] += gate_bias_[i % size_of(outputs_)];
  }
  logits_ = clean_logits_;
  if (noisy_) add_noise();
}

// h = z + epsilon s, epsilon ~ N(0, 1), s of x . w_noise.
void GateTrainer::add_noise() {
  boost::random::normal_distribution<double> normal;
  noise_.resize(logits_.size());
  noise_scale_.assign(logits_.size(), 0.0F);
  add_product(view(gate_inputs_, width_), view(noise_gate_, outputs_), noise_scale_.data());
  for (std::size_t i = 0; i < logits_.size(); ++i) {
    noise_scale_[i] = noise_scale(noise_scale_[i]);
    noise_[i] = static_cast<float>(normal(noise_stream_));
    logits_[i] += noise_[i] * noise_scale_[i];
  }
}

void GateTrainer::choose() {
  const RouterSpec& router = moe_.router;
  score_logits(moe_, logits_, scores_);
  const bool steered = recipe_.balance.bias_rate > 0;
  const std::span<const float> correction =
      steered ? std::span<const float>(correction_) : std::span<const float>();
  const bool by_logit = router.order == SelectionOrder::kTopKThenScore;
  if (chooses_by_batch(router.rule)) {
    route_logits(moe_, logits_, correction, {chosen_, {}}, {.phase = RoutingPhase::kTraining});
  } else {
    route_ranked(moe_, by_logit ? logits_ : scores_, correction, chosen_);
  }
  combine_weights(router, {router.score, outputs_, scores_}, chosen_, weights_);
  wanted_ = chosen_;
  if (router.rule == SelectionRule::kRandomSecond) leave_out_second_experts();
  counts_ = routed_counts(wanted_, moe_.top_k, outputs_);
  sent_ = wanted_;
  if (!is_dropless(router.capacity, RoutingPhase::kTraining)) {
    std::vector<float> ranking = weights_;
    apply_capacity(moe_, {sent_, ranking}, recipe_.batch_tokens, RoutingPhase::kTraining);
  }
}

// GShard sends a token's second expert with probability min(1, 2 g_2).
void GateTrainer::leave_out_second_experts() {
  for (std::size_t second = 1; second < wanted_.size(); second += 2) {
    if (second_stream_.uniform() >= 2 * double{weights_[second]}) wanted_[second] = kNoExpert;
  }
}

void GateTrainer::add_balance_gradient() {
  const BalanceRecipe& balance = recipe_.balance;
  const GateScores scores{moe_.router.score, outputs_, scores_};
  std::fill(gradient_.begin(), gradient_.end(), 0.0F);
  if (balance.importance_loss > 0) {
    add_importance_loss({chosen_, weights_}, outputs_, balance.importance_loss, weight_gradient_);
  }
  add_weight_gradient(moe_.router, scores, {chosen_, weights_}, weight_gradient_, gradient_);
  add_share_losses(scores);
  if (balance.z_loss > 0) {
    std::vector<float> softmax = scores_;
    if (moe_.router.score != ScoreFunction::kSoftmax) {
      MoeSpec plain = moe_;
      plain.router.score = ScoreFunction::kSoftmax;
      score_logits(plain, logits_, softmax);
    }
    add_z_loss(logits_, {ScoreFunction::kSoftmax, outputs_, softmax}, balance.z_loss, gradient_);
  }
  if (noisy_) add_noise_gradient();
}

void GateTrainer::add_share_losses(const GateScores& scores) {
  const BalanceRecipe& balance = recipe_.balance;
  Prices total(size_of(outputs_), 0);
  const auto add = [&](double weight, const auto& prices) {
    if (weight <= 0) return;
    const Prices part = prices();
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
  };
  add(balance.aux_loss, [&] { return switch_prices(counts_, balance.aux_loss); });
  add(balance.gshard_loss, [&] { return gshard_prices(counts_, balance.gshard_loss); });
  add(balance.device_loss,
      [&] { return device_prices(counts_, balance.devices, balance.device_loss); });
  add(balance.communication_loss, [&] {
    return communication_prices(
        device_tokens(wanted_, moe_.top_k, outputs_, outputs_ / balance.devices), counts_,
        device_limit(moe_, balance.devices), balance.communication_loss);
  });
  const bool any = std::any_of(total.begin(), total.end(), [](double price) { return price > 0; });
  if (any) add_share_loss(scores, total, gradient_);
  if (balance.sequence_aux_loss > 0) {
    add_sequence_loss(scores, {wanted_, moe_.top_k, kSequenceTokens}, balance.sequence_aux_loss,
                      gradient_);
  }
}

// The scale gets dL/dh epsilon and the gradient of the load loss, and passes both on to its
// weights.
void GateTrainer::add_noise_gradient() {
  scale_gradient_.resize(gradient_.size());
  for (std::size_t i = 0; i < gradient_.size(); ++i) {
    scale_gradient_[i] = gradient_[i] * noise_[i];
  }
  if (recipe_.balance.load_loss > 0) {
    add_load_loss({outputs_, moe_.top_k, clean_logits_, logits_, noise_scale_, noise_, chosen_},
                  recipe_.balance.load_loss, {gradient_, scale_gradient_});
  }
  for (std::size_t i = 0; i < gradient_.size(); ++i) {
    scale_gradient_[i] *= noise_scale_slope(noise_scale_[i]);
  }
}

void GateTrainer::descend_gate() {
  const auto step = [&](std::vector<float>& gate, const std::vector<float>& gradient) {
    std::fill(gate_gradient_.begin(), gate_gradient_.end(), 0.0F);
    add_outer_products(view(gate_inputs_, width_), view(gradient, outputs_), gate_gradient_.data());
    clipped_step(gate.data(), gate_gradient_.data(), width_ * outputs_, recipe_.gate_rate);
  };
  step(gate_, gradient_);
  if (noisy_) step(noise_gate_, scale_gradient_);
  if (gate_bias_.empty()) return;
  std::vector<float> sums(gate_bias_.size(), 0.0F);
  for (std::size_t i = 0; i < gradient_.size(); ++i) sums[i % sums.size()] += gradient_[i];
  clipped_step(gate_bias_.data(), sums.data(), outputs_, recipe_.gate_rate);
}

}  // namespace moesim
