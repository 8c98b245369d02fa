#include "models/router/training/gate_gradient.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace moesim {

namespace {

bool renormalises(const RouterSpec& router, std::size_t top_k) {
  if (router.score != ScoreFunction::kSoftmax) return router.renormalise && top_k > 1;
  return router.renormalise || router.order == SelectionOrder::kTopKThenScore;
}

}  // namespace

void combine_weights(const RouterSpec& router, const GateScores& batch,
                     std::span<const std::uint16_t> ids, std::span<float> weights) {
  const auto experts = static_cast<std::size_t>(batch.experts);
  const std::size_t top_k = ids.size() * experts / batch.scores.size();
  const bool renormalise = renormalises(router, top_k);
  for (std::size_t t = 0; t * experts < batch.scores.size(); ++t) {
    const std::span<float> row = weights.subspan(t * top_k, top_k);
    float sum = 1e-20F;
    for (std::size_t j = 0; j < top_k; ++j) {
      row[j] = batch.scores[t * experts + ids[t * top_k + j]];
      sum += row[j];
    }
    const float factor = renormalise ? 1 / sum : static_cast<float>(router.scaling);
    for (float& weight : row) weight *= factor;
  }
}

void add_weight_gradient(const RouterSpec& router, const GateScores& batch,
                         const ChosenWeights& chosen, std::span<const float> weight_gradient,
                         std::span<float> gradient) {
  const auto experts = static_cast<std::size_t>(batch.experts);
  const std::size_t top_k = chosen.ids.size() * experts / batch.scores.size();
  const bool renormalise = renormalises(router, top_k);
  const bool dense = !renormalise && batch.function == ScoreFunction::kSoftmax;
  for (std::size_t t = 0; t * experts < batch.scores.size(); ++t) {
    const std::span<const float> scores = batch.scores.subspan(t * experts, experts);
    const std::span<float> row = gradient.subspan(t * experts, experts);
    float mean = 0;  // sum_S g q
    for (std::size_t j = t * top_k; j < (t + 1) * top_k; ++j) {
      mean += chosen.weights[j] * weight_gradient[j];
    }
    const float common = renormalise ? mean : 0.0F;
    for (std::size_t j = t * top_k; j < (t + 1) * top_k; ++j) {
      const std::size_t i = chosen.ids[j];
      row[i] +=
          chosen.weights[j] * log_slope(batch.function, scores[i]) * (weight_gradient[j] - common);
    }
    if (!dense) continue;
    for (std::size_t i = 0; i < experts; ++i) row[i] -= mean * scores[i];
  }
}

float noise_scale(float raw) {
  return std::max(raw, 0.0F) + std::log1p(std::exp(-std::abs(raw))) + kLeastNoise;
}

float noise_scale_slope(float scale) {
  return -std::expm1(kLeastNoise - scale);
}

}  // namespace moesim
