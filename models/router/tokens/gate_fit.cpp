#include "models/router/tokens/gate_fit.h"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>

#include "models/router/kernel/router_kernel.h"

namespace moesim {

namespace {

double log_odds(double share) {
  return std::log(share / (1 - share));
}

// A score and its slope at a logit; of the softmax over standard normal logits.
struct Score {
  double value;
  double slope;
};

Score score_at(const MoeSpec& moe, double z) {
  const double sigmoid = 1 / (1 + std::exp(-z));
  const double root = std::sqrt(std::log1p(std::exp(z)));
  switch (moe.router.score) {
    case ScoreFunction::kSigmoid:
      return {sigmoid, sigmoid * (1 - sigmoid)};
    case ScoreFunction::kSqrtSoftplus:
      return {root, sigmoid / (2 * root)};
    case ScoreFunction::kSoftmax:
    case ScoreFunction::kOne:
      break;
  }
  const double share = std::exp(z - 0.5) / static_cast<double>(gate_outputs(moe));
  return {share, share};
}

// The logit that a chosen expert of the middle just reaches.
double threshold(const MoeSpec& moe) {
  const auto outputs = static_cast<double>(gate_outputs(moe));
  return upper_quantile(static_cast<double>(moe.top_k) / (outputs + 1));
}

// Where independent normal logits z_e ~ N(0, norm_e^2) exceed a common threshold as often as
// wanted:
//   o_e = t - norm_e Q(target_e k / E),   Q the upper quantile;
// of scores with a correction bias the same of scores.
float first_offset(const MoeSpec& moe, double norm, double share) {
  const double wanted = norm * upper_quantile(share);
  if (!moe.router.correction_bias) return static_cast<float>(threshold(moe) - wanted);
  return static_cast<float>(score_at(moe, threshold(moe)).value - score_at(moe, wanted).value);
}

// Half the rate for a parameter that overshot, as in Rprop.
struct Step {
  double rate = 0;
  double last_gap = 0;

  double towards(double wanted, double found, double least) {
    wanted = std::clamp(wanted, least, 1 - least);
    found = std::clamp(found, least, 1 - least);
    const double gap = std::clamp(log_odds(wanted) - log_odds(found), -2.0, 2.0);
    if (gap * last_gap < 0) rate *= 0.5;
    last_gap = gap;
    return rate * gap;
  }
};

// The loss-free rule of DeepSeek-V3 moves each bias by a constant towards its target,
//   c_i += gamma sign(target_i - n_i);
// its fixed point n = target is reached here in few rounds by steps in proportion to the gap in log
// odds: o_i += eta sigma_i (logit(target_i k/E) - logit(n_i / T)). Of the tokens that chose an
// expert, the share that chose it first rises with the spread of its logits:
//   ln s_i += eta' (logit(target first_i / n_i) - logit(first_i / n_i)).
// Source: arXiv:2408.15664 for the rule and its fixed point.
class Fitting {
 public:
  Fitting(const MoeSpec& moe, std::span<const float> logits, const std::vector<float>& norm,
          const ExpertTargets& target)
      : moe_(moe),
        target_(target),
        norm_(norm),
        outputs_(norm.size()),
        top_k_(static_cast<std::size_t>(moe.top_k)),
        values_(logits),
        tokens_(logits.size() / outputs_),
        slope_(moe.router.correction_bias ? score_at(moe, threshold(moe)).slope : 1.0),
        offset_step_(outputs_, Step{0.6, 0}),
        scale_step_(outputs_, Step{0.3, 0}) {
    fit_.scale.assign(outputs_, 1.0F);
    fit_.offset.assign(outputs_, 0.0F);
    if (moe.router.correction_bias) {
      scores_.resize(logits.size());
      score_logits(moe, logits, scores_);
      values_ = scores_;
    }
    ids_.resize(tokens_ * top_k_);
  }

  // Requires: no spreads to fit, and fewer chosen than there are.
  void start_near() {
    for (std::size_t e = 0; e < outputs_; ++e) {
      const double share = std::clamp(target_.load[e] * mean_share(), 1e-4, 1 - 1e-4);
      fit_.offset[e] = first_offset(moe_, norm_[e], share);
    }
  }

  // One round over every `stride`-th token.
  void round(std::size_t stride) {
    const std::span<const float> values = scaled(stride);
    const std::size_t used = values.size() / outputs_;
    const std::span<std::uint16_t> chosen = std::span(ids_).first(used * top_k_);
    route_ranked(moe_, values, fit_.offset, chosen);
    std::vector<double> all(outputs_, 0.0), first(outputs_, 0.0);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      all[chosen[i]] += 1;
      if (i % top_k_ == 0) first[chosen[i]] += 1;
    }
    const auto total = static_cast<double>(used);
    for (std::size_t e = 0; e < outputs_; ++e) {
      if (!target_.first.empty()) move_scale(e, first[e] / std::max(all[e], 1.0), total);
      move_offset(e, all[e] / total, total);
    }
  }

  // Ids depend on ratios of spreads only: their mean square is made 1.
  GateFit result() {
    double squares = 0;
    for (const float scale : fit_.scale) squares += scale * scale;
    const auto unit = static_cast<float>(std::sqrt(static_cast<double>(outputs_) / squares));
    if (target_.first.empty()) return fit_;
    for (float& scale : fit_.scale) scale *= unit;
    for (float& offset : fit_.offset) offset *= unit;
    return fit_;
  }

  bool spreads_are_fitted() const { return !target_.first.empty(); }

 private:
  // Every `stride`-th token's values times their scales.
  std::span<const float> scaled(std::size_t stride) {
    if (stride == 1 && !spreads_are_fitted()) return values_;
    const std::size_t used = tokens_ / stride;
    scaled_.resize(std::max(scaled_.size(), used * outputs_));
    for (std::size_t t = 0; t < used; ++t) {
      const float* from = values_.data() + t * stride * outputs_;
      float* to = scaled_.data() + t * outputs_;
      for (std::size_t e = 0; e < outputs_; ++e) to[e] = fit_.scale[e] * from[e];
    }
    return std::span(scaled_).first(used * outputs_);
  }

  double mean_share() const { return static_cast<double>(top_k_) / static_cast<double>(outputs_); }

  void move_offset(std::size_t e, double found, double tokens) {
    const double step =
        offset_step_[e].towards(target_.load[e] * mean_share(), found, 0.5 / tokens);
    fit_.offset[e] += static_cast<float>(slope_ * norm_[e] * fit_.scale[e] * step);
  }

  void move_scale(std::size_t e, double found, double tokens) {
    constexpr double kLargest = 8;
    const double wanted = target_.first[e] / (target_.load[e] * static_cast<double>(top_k_));
    const double step = scale_step_[e].towards(wanted, found, 10 / tokens);
    fit_.scale[e] = static_cast<float>(
        std::clamp(fit_.scale[e] * std::exp(std::clamp(step, -0.5, 0.5)), 1 / kLargest, kLargest));
  }

  const MoeSpec& moe_;
  const ExpertTargets& target_;
  const std::vector<float>& norm_;
  std::size_t outputs_;
  std::size_t top_k_;
  std::span<const float> values_;  // Ranked values: logits, or with a correction bias scores.
  std::vector<float> scores_;
  std::size_t tokens_;
  double slope_;
  std::vector<Step> offset_step_, scale_step_;
  std::vector<float> scaled_;
  std::vector<std::uint16_t> ids_;
  GateFit fit_;
};

}  // namespace

double upper_quantile(double share) {
  return std::sqrt(2.0) * boost::math::erf_inv(1 - 2 * share);
}

GateFit fit_gate(const MoeSpec& moe, std::span<const float> logits, const std::vector<float>& norm,
                 const ExpertTargets& target) {
  Fitting fitting(moe, logits, norm, target);
  if (moe.top_k >= gate_outputs(moe)) return fitting.result();
  if (!fitting.spreads_are_fitted()) {
    fitting.start_near();
    for (int round = 0; round < 4; ++round) fitting.round(1);
    return fitting.result();
  }
  for (int round = 0; round < 20; ++round) fitting.round(4);
  for (int round = 0; round < 8; ++round) fitting.round(1);
  return fitting.result();
}

}  // namespace moesim
