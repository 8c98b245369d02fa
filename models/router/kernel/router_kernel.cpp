#include "models/router/kernel/router_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "models/router/kernel/selection.h"

namespace moesim {

namespace {

// e^x in a form that the compiler vectorises: x = n ln 2 + f, e^x = 2^n e^f, |f| <= ln 2 / 2.
// Relative error below 3e-7 for -87 <= x <= 88; x is clamped to that range.
// Source: minimax polynomial of the Cephes library (S. Moshier), expf.
inline float exponential(float x) {
  // Clamped as integers: a comparison of floats could trap, which keeps the loop from vectorising.
  constexpr std::int32_t kLow = order_key(-87.0F);
  constexpr std::int32_t kHigh = order_key(88.0F);
  const float clamped = from_order_key(std::min(std::max(order_key(x), kLow), kHigh));
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer.
  const float n = (clamped * 1.44269504F + kRound) - kRound;
  const float f = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * f + 1.3981999507e-3F;
  p = p * f + 8.3334519073e-3F;
  p = p * f + 4.1665795894e-2F;
  p = p * f + 1.6666665459e-1F;
  p = p * f + 5.0000001201e-1F;
  p = p * f * f + f + 1.0F;
  return p * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

void softmax(std::span<const float> logits, std::span<float> scores) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  for (std::size_t i = 0; i < logits.size(); ++i) scores[i] = exponential(logits[i] - largest);
  float sum = 0;
  for (const float score : scores) sum += score;
  for (float& score : scores) score /= sum;
}

void score_all(ScoreFunction function, std::span<const float> logits, std::span<float> scores) {
  switch (function) {
    case ScoreFunction::kSoftmax:
      return softmax(logits, scores);
    case ScoreFunction::kSigmoid:
      for (std::size_t i = 0; i < logits.size(); ++i) {
        scores[i] = 1.0F / (1.0F + exponential(-logits[i]));
      }
      return;
    case ScoreFunction::kSqrtSoftplus:
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const float z = logits[i];
        scores[i] = std::sqrt(std::max(z, 0.0F) + std::log1p(exponential(-std::abs(z))));
      }
      return;
    case ScoreFunction::kOne:
      std::fill(scores.begin(), scores.end(), 1.0F);
      return;
  }
}

// Routes token by token with buffers that live as long as the call.
class TokenRouter {
 public:
  TokenRouter(const MoeSpec& moe, std::span<const float> correction, bool want_weights)
      : router_(moe.router),
        correction_(correction),
        outputs_(static_cast<std::size_t>(gate_outputs(moe))),
        scores_(outputs_),
        chosen_logits_(static_cast<std::size_t>(moe.top_k)),
        selection_(gate_outputs(moe)),
        group_selection_(router_.num_groups),
        kept_groups_(static_cast<std::size_t>(router_.top_groups)) {
    score_first_ = router_.order == SelectionOrder::kScoreThenTopK;
    // Every score function rises with the logit, so the logits alone decide unless scores are added
    // up.
    keys_are_scores_ =
        score_first_ && (!correction_.empty() ||
                         (grouped() && router_.group_score == GroupScore::kSumOfTwoLargest));
    need_scores_ = keys_are_scores_ || (score_first_ && want_weights);
  }

  void choose(std::span<const float> logits, std::span<std::uint16_t> ids) {
    if (need_scores_) score_all(router_.score, logits, scores_);
    choose_ranked(keys_are_scores_ ? std::span<const float>(scores_) : logits, ids);
  }

  // `ranked` is what keys are made of: scores or logits.
  void choose_ranked(std::span<const float> ranked, std::span<std::uint16_t> ids) {
    const std::span<std::int32_t> keys = selection_.keys();
    if (correction_.empty()) {
      for (std::size_t i = 0; i < outputs_; ++i) keys[i] = order_key(ranked[i]);
    } else {
      for (std::size_t i = 0; i < outputs_; ++i) keys[i] = order_key(ranked[i] + correction_[i]);
    }
    if (grouped()) mask_groups();
    selection_.select(ids);
  }

  // Requires: choose() of the same token before.
  void weigh(std::span<const float> logits, std::span<const std::uint16_t> ids,
             std::span<float> weights) {
    if (score_first_) {
      for (std::size_t j = 0; j < ids.size(); ++j) weights[j] = scores_[ids[j]];
    } else {
      for (std::size_t j = 0; j < ids.size(); ++j) chosen_logits_[j] = logits[ids[j]];
      score_all(router_.score, chosen_logits_, weights);
    }
    auto factor = static_cast<float>(router_.scaling);
    if (router_.renormalise) {
      float sum = 1e-20F;
      for (const float weight : weights) sum += weight;
      factor /= sum;
    }
    for (float& weight : weights) weight *= factor;
  }

 private:
  bool grouped() const { return router_.num_groups > 1 && router_.top_groups < router_.num_groups; }

  // The two largest keys of a group, in four lanes so that they are found in parallel.
  float group_score(std::span<const std::int32_t> keys) const {
    constexpr std::size_t kLanes = 4;
    constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
    std::array<std::int32_t, 2 * kLanes> best;  // Largest of each lane, then the second of each.
    best.fill(kLowest);
    const std::size_t whole = keys.size() / kLanes * kLanes;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const std::int32_t key = keys[i + lane];
        best[kLanes + lane] = std::max(best[kLanes + lane], std::min(best[lane], key));
        best[lane] = std::max(best[lane], key);
      }
    }
    for (std::size_t i = whole; i < keys.size(); ++i) {
      const std::int32_t key = keys[i];
      best[kLanes] = std::max(best[kLanes], std::min(best[0], key));
      best[0] = std::max(best[0], key);
    }
    std::partial_sort(best.begin(), best.begin() + 2, best.end(), std::greater<>());
    const bool sum = router_.group_score == GroupScore::kSumOfTwoLargest && keys.size() > 1;
    return from_order_key(best[0]) + (sum ? from_order_key(best[1]) : 0.0F);
  }

  void mask_groups() {
    const auto num_groups = static_cast<std::size_t>(router_.num_groups);
    const std::size_t size = outputs_ / num_groups;
    const std::span<const std::int32_t> keys = selection_.keys();
    for (std::size_t g = 0; g < num_groups; ++g) {
      group_selection_.keys()[g] = order_key(group_score(keys.subspan(g * size, size)));
    }
    group_selection_.select(kept_groups_);
    std::sort(kept_groups_.begin(), kept_groups_.end());
    std::size_t next_kept = 0;
    for (std::size_t g = 0; g < num_groups; ++g) {
      if (next_kept < kept_groups_.size() && kept_groups_[next_kept] == g) {
        ++next_kept;
      } else {
        selection_.mask(static_cast<std::int64_t>(g * size),
                        static_cast<std::int64_t>((g + 1) * size));
      }
    }
  }

  const RouterSpec& router_;
  std::span<const float> correction_;
  std::size_t outputs_;
  std::vector<float> scores_;
  std::vector<float> chosen_logits_;
  KeySelection selection_;
  KeySelection group_selection_;
  std::vector<std::uint16_t> kept_groups_;
  bool score_first_ = true;
  bool keys_are_scores_ = false;
  bool need_scores_ = false;
};

}  // namespace

std::int64_t gate_outputs(const MoeSpec& moe) {
  return moe.num_experts + moe.router.num_zero_experts;
}

void score_logits(const MoeSpec& moe, std::span<const float> logits, std::span<float> scores) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  for (std::size_t i = 0; i < logits.size(); i += outputs) {
    score_all(moe.router.score, logits.subspan(i, outputs), scores.subspan(i, outputs));
  }
}

void route_ranked(const MoeSpec& moe, std::span<const float> ranked,
                  std::span<const float> correction, std::span<std::uint16_t> ids) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  TokenRouter router(moe, correction, false);
  for (std::size_t t = 0; t * top_k < ids.size(); ++t) {
    router.choose_ranked(ranked.subspan(t * outputs, outputs), ids.subspan(t * top_k, top_k));
  }
}

void route_logits(const MoeSpec& moe, std::span<const float> logits,
                  std::span<const float> correction, RoutedTokens out) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  TokenRouter router(moe, correction, !out.weights.empty());
  for (std::size_t t = 0; t * top_k < out.ids.size(); ++t) {
    const std::span<const float> row = logits.subspan(t * outputs, outputs);
    const std::span<std::uint16_t> ids = out.ids.subspan(t * top_k, top_k);
    router.choose(row, ids);
    if (!out.weights.empty()) router.weigh(row, ids, out.weights.subspan(t * top_k, top_k));
  }
}

void route_hidden(const MoeSpec& moe, const GateView& gate, MatrixView hidden, RoutedTokens out) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  std::vector<float> logits(static_cast<std::size_t>(hidden.rows) * outputs);
  multiply_by_transpose(hidden, gate.weight, logits.data());
  if (!gate.bias.empty()) {
    for (std::size_t i = 0; i < logits.size(); i += outputs) {
      for (std::size_t e = 0; e < outputs; ++e) logits[i + e] += gate.bias[e];
    }
  }
  route_logits(moe, logits, gate.correction, out);
}

}  // namespace moesim
