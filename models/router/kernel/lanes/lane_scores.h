// Scores, keys and weights of lanes. Included by one file per instruction set (lane_vectors.h).
#pragma once

#include <cstdint>

#include "models/router/kernel/lanes/lane_vectors.h"

namespace moesim {
namespace {

// e^x, or e^-x if kMinus: +-x = n ln 2 + f, e^(+-x) = 2^n e^f, |f| <= ln 2 / 2, e^f = 1 + f + f^2
// P(f) with P of degree 3 that minimises the largest relative error, 1.1e-7 before rounding. x is
// clamped to +-`limit`, 87.
template <int kLanes, bool kMinus = false>
Floats<kLanes> exponential(Floats<kLanes> x, Floats<kLanes> limit) {
  const Floats<kLanes> clamped = limited<kLanes>(x, limit);
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer.
  const Floats<kLanes> shifted = clamped * (kMinus ? -1.44269504F : 1.44269504F) + kRound;
  const Floats<kLanes> n = shifted - kRound;
  // ln 2 in two parts, the first short enough for exact products. Source: Cephes (S. Moshier).
  const Floats<kLanes> low = n * 2.12194440e-4F;
  const Floats<kLanes> f =
      kMinus ? low - (clamped + n * 0.693359375F) : low + (clamped - n * 0.693359375F);
  Floats<kLanes> p = f * 8.3125107e-3F + 4.18902442e-2F;
  p = p * f + 1.66671150e-1F;
  p = p * f + 4.99992309e-1F;
  p = p * f * f + f + 1.0F;
  // The low bits of `shifted` are n: shifted left they are the addend of 2^n to the exponent of p.
  using Int = Ints<kLanes>;
  const Int exponent = __builtin_bit_cast(Int, shifted) << 23;
  return __builtin_bit_cast(Floats<kLanes>, __builtin_bit_cast(Int, p) + exponent);
}

constexpr float kExponentLimit = 87.0F;

// ln(1 + t) for 0 <= t <= 1: with x = t, or x = (t - 1) / 2 and ln 2 added where 1 + t > sqrt(2),
//   ln(1 + x) = x - x^2 / 2 + x^3 P(x).
// Relative error below 2e-7. Source: polynomial of the Cephes library (S. Moshier), logf.
template <int kLanes>
Floats<kLanes> log_of_one_plus(Floats<kLanes> t) {
  const auto upper = t > 0.414213562F;
  const Floats<kLanes> x = upper ? (t - 1.0F) * 0.5F : t;
  const Floats<kLanes> square = x * x;
  Floats<kLanes> p = all<kLanes>(7.0376836292e-2F);
  p = p * x - 1.1514610310e-1F;
  p = p * x + 1.1676998740e-1F;
  p = p * x - 1.2420140846e-1F;
  p = p * x + 1.4249322787e-1F;
  p = p * x - 1.6668057665e-1F;
  p = p * x + 2.0000714765e-1F;
  p = p * x - 2.4999993993e-1F;
  p = p * x + 3.3333331174e-1F;
  const Floats<kLanes> log = x + (x * square * p - 0.5F * square);
  return upper ? log + 0.693147181F : log;
}

template <int kLanes>
void score_some(ScoreFunction function, float* in_place, std::int64_t count,
                const ScoreTerms& terms) {
  const Floats<kLanes> limit = hidden<kLanes>(kExponentLimit);
  const auto largest = *reinterpret_cast<const Floats<kLanes>*>(terms.largest);
  auto* values = reinterpret_cast<Floats<kLanes>*>(in_place);
  switch (function) {
    case ScoreFunction::kSoftmax:
      for (std::int64_t e = 0; e < count; ++e) {
        values[e] = exponential<kLanes>(values[e] - largest, limit);
      }
      return;
    case ScoreFunction::kSigmoid:
      for (std::int64_t e = 0; e < count; ++e) {
        values[e] = 1.0F / (1.0F + exponential<kLanes, true>(values[e], limit));
      }
      return;
    case ScoreFunction::kSqrtSoftplus:  // softplus(z) = max(z, 0) + ln(1 + e^-|z|).
      for (std::int64_t e = 0; e < count; ++e) {
        const Floats<kLanes> z = values[e];
        const Floats<kLanes> distance = smaller(z, 0.0F - z);
        const Floats<kLanes> power =
            distance < -kExponentLimit ? Floats<kLanes>{} : exponential<kLanes>(distance, limit);
        values[e] = larger(z, Floats<kLanes>{}) + log_of_one_plus<kLanes>(power);
      }
      for (std::int64_t i = 0; i < count * kLanes; ++i) in_place[i] = __builtin_sqrtf(in_place[i]);
      return;
    case ScoreFunction::kOne:
      for (std::int64_t e = 0; e < count; ++e) values[e] = all<kLanes>(1.0F);
      return;
  }
}

template <int kLanes>
Floats<kLanes> largest_of(const Floats<kLanes>* values, std::int64_t count) {
  Floats<kLanes> largest = values[0];
  for (std::int64_t e = 1; e < count; ++e) largest = larger(largest, values[e]);
  return largest;
}

template <int kLanes>
void score(ScoreFunction function, float* in_place, std::int64_t count, ScoreTerms& terms) {
  const auto* values = reinterpret_cast<const Floats<kLanes>*>(in_place);
  auto* total = reinterpret_cast<Floats<kLanes>*>(terms.total);
  *total = all<kLanes>(1.0F);
  const bool softmax = function == ScoreFunction::kSoftmax;
  if (softmax) {
    *reinterpret_cast<Floats<kLanes>*>(terms.largest) = largest_of<kLanes>(values, count);
  }
  score_some<kLanes>(function, in_place, count, terms);
  if (!softmax) return;
  Floats<kLanes> sum{};
  for (std::int64_t e = 0; e < count; ++e) sum += values[e];
  *total = sum;
}

template <int kLanes>
void softmax_terms(const float* logits, std::int64_t count, ScoreTerms& terms) {
  const auto* values = reinterpret_cast<const Floats<kLanes>*>(logits);
  const Floats<kLanes> limit = hidden<kLanes>(kExponentLimit);
  const Floats<kLanes> largest = largest_of<kLanes>(values, count);
  Floats<kLanes> sum{};
  for (std::int64_t e = 0; e < count; ++e) sum += exponential<kLanes>(values[e] - largest, limit);
  *reinterpret_cast<Floats<kLanes>*>(terms.largest) = largest;
  *reinterpret_cast<Floats<kLanes>*>(terms.total) = sum;
}

template <int kLanes>
void make_keys(const float* from, std::int64_t count, const Adjustment& adjustment, float* to) {
  const auto* values = reinterpret_cast<const Floats<kLanes>*>(from);
  auto* keys = reinterpret_cast<Floats<kLanes>*>(to);
  const float* correction = adjustment.correction;
  if (adjustment.total != nullptr) {
    const auto total = *reinterpret_cast<const Floats<kLanes>*>(adjustment.total);
    for (std::int64_t e = 0; e < count; ++e) keys[e] = values[e] / total;
    values = keys;
  }
  if (correction != nullptr) {
    for (std::int64_t e = 0; e < count; ++e) keys[e] = values[e] + correction[e];
  } else if (keys != values) {
    for (std::int64_t e = 0; e < count; ++e) keys[e] = values[e];
  }
}

template <int kLanes>
void pick(const float* from, const Picks& picks) {
  const auto* values = reinterpret_cast<const Floats<kLanes>*>(from);
  const auto* ids = reinterpret_cast<const Ints<kLanes>*>(picks.ids);
  auto* picked = reinterpret_cast<Floats<kLanes>*>(picks.picked);
  for (std::int64_t j = 0; j < picks.top_k; ++j) picked[j] = look_up<kLanes>(values, ids[j]);
}

template <int kLanes>
void pick_from_rows(const float* rows, std::int64_t count, std::int64_t tokens,
                    const Picks& picks) {
  const Floats<kLanes> limit = hidden<kLanes>(kLargestLogit);
  const auto* ids = reinterpret_cast<const Ints<kLanes>*>(picks.ids);
  auto* picked = reinterpret_cast<Floats<kLanes>*>(picks.picked);
  const Ints<kLanes> last = Ints<kLanes>{} + static_cast<std::int32_t>(tokens - 1);
  const Ints<kLanes> row = smaller(lane_numbers<kLanes>(), last);
  const Ints<kLanes> start = row * static_cast<std::int32_t>(count);
  for (std::int64_t j = 0; j < picks.top_k; ++j) {
    const Ints<kLanes> words = gather<kLanes>(rows, start + ids[j]);
    picked[j] = limited<kLanes>(__builtin_bit_cast(Floats<kLanes>, words), limit);
  }
}

template <int kLanes>
void weigh(float* in_place, std::int64_t top_k, const float* total_from, const WeightRule& rule) {
  auto* weights = reinterpret_cast<Floats<kLanes>*>(in_place);
  if (total_from != nullptr) {
    const Floats<kLanes> total = *reinterpret_cast<const Floats<kLanes>*>(total_from);
    for (std::int64_t j = 0; j < top_k; ++j) weights[j] /= total;
  }
  Floats<kLanes> factor = all<kLanes>(rule.scaling);
  Floats<kLanes> sum = all<kLanes>(rule.floor > 0 ? 0.0F : 1e-20F);
  for (std::int64_t j = 0; j < top_k; ++j) sum += weights[j];
  if (rule.renormalise) factor /= larger(sum, all<kLanes>(rule.floor));
  for (std::int64_t j = 0; j < top_k; ++j) weights[j] *= factor;
}

}  // namespace
}  // namespace moesim
