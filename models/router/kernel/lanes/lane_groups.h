// Group mask of lanes. Included by one file per instruction set (lane_vectors.h).
#pragma once

#include <cstdint>

#include "models/router/kernel/lanes/lane_vectors.h"

namespace moesim {
namespace {

// Sum of the two largest of a group; alone if there is but one.
template <int kLanes>
Floats<kLanes> two_largest(const Floats<kLanes>* keys, std::int64_t size) {
  Floats<kLanes> best = keys[0];
  if (size == 1) return best;
  Floats<kLanes> second = smaller(best, keys[1]);
  best = larger(best, keys[1]);
  for (std::int64_t i = 2; i < size; ++i) {
    second = larger(second, smaller(best, keys[i]));
    best = larger(best, keys[i]);
  }
  return best + second;
}

template <int kLanes>
Floats<kLanes> sum_of_largest(const Floats<kLanes>* keys, std::int64_t size, std::int64_t summed,
                              Floats<kLanes>* best) {
  for (std::int64_t j = 0; j < summed; ++j) best[j] = all<kLanes>(kLowestKey);
  for (std::int64_t i = 0; i < size; ++i) {
    for (std::int64_t j = summed - 1; j > 0; --j) {
      best[j] = larger(best[j], smaller(best[j - 1], keys[i]));
    }
    best[0] = larger(best[0], keys[i]);
  }
  Floats<kLanes> sum = best[0];
  for (std::int64_t j = 1; j < summed; ++j) sum += best[j];
  return sum;
}

// Calls drop(g, lanes) for every group with the lanes in which it is none of the largest.
template <int kLanes, class Drop>
void for_each_dropped(const Floats<kLanes>* scores, const GroupRule& rule, const Drop& drop) {
  const Ints<kLanes> kept = Ints<kLanes>{} + static_cast<std::int32_t>(rule.kept);
  for (std::int64_t g = 0; g < rule.number; ++g) {
    Ints<kLanes> rank{};  // Groups before this one; a comparison that holds is -1.
    for (std::int64_t other = 0; other < g; ++other) rank -= scores[other] >= scores[g];
    for (std::int64_t other = g + 1; other < rule.number; ++other) {
      rank -= scores[other] > scores[g];
    }
    drop(g, rank >= kept);
  }
}

template <int kLanes>
void mask_groups(float* from, std::int64_t count, const GroupRule& rule, float* scratch) {
  auto* keys = reinterpret_cast<Floats<kLanes>*>(from);
  auto* scores = reinterpret_cast<Floats<kLanes>*>(scratch);
  const std::int64_t size = count / rule.number;
  for (std::int64_t g = 0; g < rule.number; ++g) {
    const Floats<kLanes>* group = keys + g * size;
    scores[g] = rule.summed == 2
                    ? two_largest<kLanes>(group, size)
                    : sum_of_largest<kLanes>(group, size, rule.summed, scores + rule.number);
  }
  for_each_dropped<kLanes>(scores, rule, [&](std::int64_t g, const Ints<kLanes>& dropped) {
    for (std::int64_t e = g * size; e < (g + 1) * size; ++e) {
      keys[e] = dropped ? all<kLanes>(rule.masked) : keys[e];
    }
  });
}

// Keys of a group, the maximum of each of its blocks, and its score.
template <int kLanes>
Floats<kLanes> make_group(const Floats<kLanes>* values, const float* correction, std::int64_t size,
                          Floats<kLanes>* keys, Floats<kLanes>* maxima) {
  Floats<kLanes> best = all<kLanes>(kLowestKey);
  Floats<kLanes> second = best;
  for (std::int64_t e = 0; e < size; e += kKeyBlock) {
    for (std::int64_t i = e; i < e + kKeyBlock; ++i) keys[i] = values[i] + correction[i];
    const Floats<kLanes> first_pair = larger(keys[e], keys[e + 1]);
    const Floats<kLanes> last_pair = larger(keys[e + 2], keys[e + 3]);
    const Floats<kLanes> losers =
        larger(smaller(keys[e], keys[e + 1]), smaller(keys[e + 2], keys[e + 3]));
    const Floats<kLanes> maximum = larger(first_pair, last_pair);
    second = larger(larger(second, smaller(best, maximum)),
                    larger(losers, smaller(first_pair, last_pair)));
    best = larger(best, maximum);
    maxima[e / kKeyBlock] = maximum;
  }
  return best + second;
}

template <int kLanes>
void make_grouped_keys(const float* from, const float* correction, std::int64_t count,
                       const GroupRule& rule, const GroupedKeys& out) {
  const auto* values = reinterpret_cast<const Floats<kLanes>*>(from);
  auto* keys = reinterpret_cast<Floats<kLanes>*>(out.keys);
  auto* maxima = reinterpret_cast<Floats<kLanes>*>(out.maxima);
  Floats<kLanes>* scores = maxima + count / kKeyBlock;
  const std::int64_t size = count / rule.number;
  const std::int64_t blocks = size / kKeyBlock;
  for (std::int64_t g = 0; g < rule.number; ++g) {
    scores[g] = make_group<kLanes>(values + g * size, correction + g * size, size, keys + g * size,
                                   maxima + g * blocks);
  }
  for_each_dropped<kLanes>(scores, rule, [&](std::int64_t g, const Ints<kLanes>& dropped) {
    for (std::int64_t b = g * blocks; b < (g + 1) * blocks; ++b) {
      maxima[b] = dropped ? all<kLanes>(kMaskedKey) : maxima[b];
    }
  });
}

}  // namespace
}  // namespace moesim
