// The code behind LaneStages, for included by one file per instruction set. It calls nothing from the
// standard library, so that no function compiled for a newer processor is ever shared.
#pragma once

#include <cstdint>

#include "models/router/kernel/lane_stages.h"

namespace moesim {
namespace {

template <int kLanes>
struct Lanes {
  using Float [[gnu::vector_size(kLanes * 4)]] = float;
  using Int [[gnu::vector_size(kLanes * 4)]] = std::int32_t;
};

template <int kLanes>
using Floats = typename Lanes<kLanes>::Float;
template <int kLanes>
using Ints = typename Lanes<kLanes>::Int;

template <int kLanes>
using IntsUnaligned [[gnu::vector_size(kLanes * 4), gnu::aligned(2), gnu::may_alias]] = std::int32_t;
using Four = Floats<4>;
using FourUnaligned [[gnu::vector_size(16), gnu::aligned(2), gnu::may_alias]] = float;

constexpr float kLowestKey = -__builtin_huge_valf();

template <class V>
V larger(V a, V b) {
  return a > b ? a : b;
}
template <class V>
V smaller(V a, V b) {
  return a < b ? a : b;
}

template <int kLanes>
Floats<kLanes> all(float value) {
  return value - Floats<kLanes>{};
}

// A constant that the compiler does not see, because g++ 12 turns x > c ? x : c into the processor's
// maximum for variables only, and into two slower instructions for constants.
template <int kLanes>
Floats<kLanes> hidden(float value) {
  volatile float memory = value;
  return all<kLanes>(memory);
}

// Four columns of kLanes rows, four rows after every four lanes: rows i, i + 4, i + 8, i + 12.
template <int kLanes>
Floats<kLanes> gather_quads(const float* const* rows, std::int64_t column) {
  if constexpr (kLanes == 4) {
    return *reinterpret_cast<const FourUnaligned*>(rows[0] + column);
  } else if constexpr (kLanes == 8) {
    const Four a = *reinterpret_cast<const FourUnaligned*>(rows[0] + column);
    const Four b = *reinterpret_cast<const FourUnaligned*>(rows[4] + column);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    const Floats<8> a = gather_quads<8>(rows, column);
    const Floats<8> b = gather_quads<8>(rows + 8, column);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

// Interleaves within quads: the low (first = 0) or high (first = 2) halves of a and b.
template <int kLanes, int kFirst>
Floats<kLanes> unpack(Floats<kLanes> a, Floats<kLanes> b) {
  constexpr int f = kFirst;
  constexpr int n = kLanes;
  if constexpr (kLanes == 4) {
    return __builtin_shufflevector(a, b, f, n + f, f + 1, n + f + 1);
  } else if constexpr (kLanes == 8) {
    return __builtin_shufflevector(a, b, f, n + f, f + 1, n + f + 1, f + 4, n + f + 4, f + 5,
                                   n + f + 5);
  } else {
    return __builtin_shufflevector(a, b, f, n + f, f + 1, n + f + 1, f + 4, n + f + 4, f + 5,
                                   n + f + 5, f + 8, n + f + 8, f + 9, n + f + 9, f + 12,
                                   n + f + 12, f + 13, n + f + 13);
  }
}

// The low (first = 0) or high (first = 2) pairs of each quad of a, then of b.
template <int kLanes, int kFirst>
Floats<kLanes> pair_up(Floats<kLanes> a, Floats<kLanes> b) {
  constexpr int f = kFirst;
  constexpr int n = kLanes;
  if constexpr (kLanes == 4) {
    return __builtin_shufflevector(a, b, f, f + 1, n + f, n + f + 1);
  } else if constexpr (kLanes == 8) {
    return __builtin_shufflevector(a, b, f, f + 1, n + f, n + f + 1, f + 4, f + 5, n + f + 4,
                                   n + f + 5);
  } else {
    return __builtin_shufflevector(a, b, f, f + 1, n + f, n + f + 1, f + 4, f + 5, n + f + 4,
                                   n + f + 5, f + 8, f + 9, n + f + 8, n + f + 9, f + 12, f + 13,
                                   n + f + 12, n + f + 13);
  }
}

// Not a number becomes the lower limit, because no comparison with it holds.
template <int kLanes>
Floats<kLanes> limited(Floats<kLanes> x, Floats<kLanes> limit) {
  return smaller(larger(x, -limit), limit);
}

template <int kLanes>
void load(const float* first, std::int64_t count, std::int64_t tokens, float* values) {
  const float* rows[kLanes];
  for (std::int64_t l = 0; l < kLanes; ++l) {
    rows[l] = first + (l < tokens ? l : tokens - 1) * count;
  }
  const Floats<kLanes> limit = hidden<kLanes>(kLargestLogit);
  auto* out = reinterpret_cast<Floats<kLanes>*>(values);
  std::int64_t e = 0;
  for (; e + 4 <= count; e += 4) {
    const Floats<kLanes> a = gather_quads<kLanes>(rows, e);
    const Floats<kLanes> b = gather_quads<kLanes>(rows + 1, e);
    const Floats<kLanes> c = gather_quads<kLanes>(rows + 2, e);
    const Floats<kLanes> d = gather_quads<kLanes>(rows + 3, e);
    const Floats<kLanes> ab_low = unpack<kLanes, 0>(a, b);
    const Floats<kLanes> ab_high = unpack<kLanes, 2>(a, b);
    const Floats<kLanes> cd_low = unpack<kLanes, 0>(c, d);
    const Floats<kLanes> cd_high = unpack<kLanes, 2>(c, d);
    out[e] = limited<kLanes>(pair_up<kLanes, 0>(ab_low, cd_low), limit);
    out[e + 1] = limited<kLanes>(pair_up<kLanes, 2>(ab_low, cd_low), limit);
    out[e + 2] = limited<kLanes>(pair_up<kLanes, 0>(ab_high, cd_high), limit);
    out[e + 3] = limited<kLanes>(pair_up<kLanes, 2>(ab_high, cd_high), limit);
  }
  for (; e < count; ++e) {
    Floats<kLanes> column{};
    for (int l = 0; l < kLanes; ++l) column[l] = rows[l][e];
    out[e] = limited<kLanes>(column, limit);
  }
}

// Writes quad q of `quads` as row 4 q.
template <int kLanes>
void scatter_quads(Floats<kLanes> quads, float* first_row, std::int64_t stride) {
  auto* row = reinterpret_cast<FourUnaligned*>(first_row);
  if constexpr (kLanes == 4) {
    *row = quads;
  } else if constexpr (kLanes == 8) {
    *row = __builtin_shufflevector(quads, quads, 0, 1, 2, 3);
    scatter_quads<4>(__builtin_shufflevector(quads, quads, 4, 5, 6, 7), first_row + 4 * stride,
                     stride);
  } else {
    scatter_quads<8>(__builtin_shufflevector(quads, quads, 0, 1, 2, 3, 4, 5, 6, 7), first_row,
                     stride);
    scatter_quads<8>(__builtin_shufflevector(quads, quads, 8, 9, 10, 11, 12, 13, 14, 15),
                     first_row + 8 * stride, stride);
  }
}

// Rows of two from two columns.
template <int kLanes>
void store_pairs(const Floats<kLanes>* columns, float* rows) {
  const Floats<kLanes> low = unpack<kLanes, 0>(columns[0], columns[1]);
  const Floats<kLanes> high = unpack<kLanes, 2>(columns[0], columns[1]);
  scatter_quads<kLanes>(low, rows, 2);
  scatter_quads<kLanes>(high, rows + 4, 2);
}

template <int kLanes>
void store(const float* values, std::int64_t count, std::int64_t tokens, float* rows) {
  const auto* columns = reinterpret_cast<const Floats<kLanes>*>(values);
  if (tokens == kLanes && count == 2) return store_pairs<kLanes>(columns, rows);
  std::int64_t done = 0;
  for (; tokens == kLanes && done + 4 <= count; done += 4) {
    const Floats<kLanes>* quad = columns + done;
    const Floats<kLanes> ab_low = unpack<kLanes, 0>(quad[0], quad[1]);
    const Floats<kLanes> ab_high = unpack<kLanes, 2>(quad[0], quad[1]);
    const Floats<kLanes> cd_low = unpack<kLanes, 0>(quad[2], quad[3]);
    const Floats<kLanes> cd_high = unpack<kLanes, 2>(quad[2], quad[3]);
    scatter_quads<kLanes>(pair_up<kLanes, 0>(ab_low, cd_low), rows + done, count);
    scatter_quads<kLanes>(pair_up<kLanes, 2>(ab_low, cd_low), rows + done + count, count);
    scatter_quads<kLanes>(pair_up<kLanes, 0>(ab_high, cd_high), rows + done + 2 * count, count);
    scatter_quads<kLanes>(pair_up<kLanes, 2>(ab_high, cd_high), rows + done + 3 * count, count);
  }
  for (std::int64_t l = 0; l < tokens; ++l) {
    for (std::int64_t e = done; e < count; ++e) rows[l * count + e] = values[e * kLanes + l];
  }
}

// Two ids fill the room of one float: rows of pairs are stored as rows of floats.
template <int kLanes>
void store_ids(std::int32_t* in_place, std::int64_t top_k, std::int64_t tokens,
               std::uint16_t* rows) {
  auto* ids = reinterpret_cast<Ints<kLanes>*>(in_place);
  constexpr bool kLittleEndian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  if (kLittleEndian && top_k % 2 == 0 && tokens == kLanes) {
    for (std::int64_t j = 0; j < top_k; j += 2) ids[j / 2] = ids[j] | (ids[j + 1] << 16);
    if (top_k == 2) {
      *reinterpret_cast<IntsUnaligned<kLanes>*>(rows) = ids[0];
      return;
    }
    return store<kLanes>(reinterpret_cast<const float*>(in_place), top_k / 2, tokens,
                         reinterpret_cast<float*>(rows));
  }
  for (std::int64_t l = 0; l < tokens; ++l) {
    for (std::int64_t j = 0; j < top_k; ++j) {
      *rows++ = static_cast<std::uint16_t>(in_place[j * kLanes + l]);
    }
  }
}

// e^x: x = n ln 2 + f, e^x = 2^n e^f, |f| <= ln 2 / 2, e^f = 1 + f + f^2 P(f) with P of degree 3 that
// minimises the largest relative error, 1.1e-7 before rounding. x is clamped to +-`limit`, 87.
template <int kLanes>
Floats<kLanes> exponential(Floats<kLanes> x, Floats<kLanes> limit) {
  const Floats<kLanes> clamped = limited<kLanes>(x, limit);
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer.
  const Floats<kLanes> shifted = clamped * 1.44269504F + kRound;
  const Floats<kLanes> n = shifted - kRound;
  // ln 2 in two parts, the first short enough for exact products. Source: Cephes (S. Moshier).
  const Floats<kLanes> f = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  Floats<kLanes> p = f * 8.3125107e-3F + 4.18902442e-2F;
  p = p * f + 1.66671150e-1F;
  p = p * f + 4.99992309e-1F;
  p = p * f * f + f + 1.0F;
  // The low bits of `shifted` are n: shifted left they are what 2^n adds to the exponent of p.
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
        values[e] = 1.0F / (1.0F + exponential<kLanes>(0.0F - values[e], limit));
      }
      return;
    case ScoreFunction::kSqrtSoftplus:  // softplus(z) = max(z, 0) + ln(1 + e^-|z|).
      for (std::int64_t e = 0; e < count; ++e) {
        const Floats<kLanes> z = values[e];
        const Floats<kLanes> power = exponential<kLanes>(smaller(z, 0.0F - z), limit);
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

template <int kLanes>
void mask_groups(float* from, std::int64_t count, const GroupRule& rule, float* scratch) {
  auto* keys = reinterpret_cast<Floats<kLanes>*>(from);
  auto* scores = reinterpret_cast<Floats<kLanes>*>(scratch);
  const std::int64_t size = count / rule.number;
  for (std::int64_t g = 0; g < rule.number; ++g) {
    const Floats<kLanes>* group = keys + g * size;
    scores[g] = rule.summed == 2 ? two_largest<kLanes>(group, size)
                                 : sum_of_largest<kLanes>(group, size, rule.summed,
                                                          scores + rule.number);
  }
  const Ints<kLanes> kept = Ints<kLanes>{} + static_cast<std::int32_t>(rule.kept);
  for (std::int64_t g = 0; g < rule.number; ++g) {
    Ints<kLanes> rank{};  // Groups before this one; a comparison that holds is -1.
    for (std::int64_t other = 0; other < g; ++other) rank -= scores[other] >= scores[g];
    for (std::int64_t other = g + 1; other < rule.number; ++other) {
      rank -= scores[other] > scores[g];
    }
    const auto stays = rank < kept;
    for (std::int64_t e = g * size; e < (g + 1) * size; ++e) {
      keys[e] = stays ? keys[e] : all<kLanes>(rule.masked);
    }
  }
}

// values[ids[l]] of every lane l.
template <int kLanes>
Floats<kLanes> look_up(const Floats<kLanes>* values, const Ints<kLanes>& ids) {
  const auto* from = reinterpret_cast<const float*>(values);
  alignas(64) std::int32_t id[kLanes];
  alignas(64) float found[kLanes];
  *reinterpret_cast<Ints<kLanes>*>(id) = ids;
  for (int l = 0; l < kLanes; ++l) found[l] = from[id[l] * kLanes + l];
  return *reinterpret_cast<const Floats<kLanes>*>(found);
}

// The largest keys seen so far in falling order with their ids, in arrays of a size that the
// compiler knows (and keeps in registers) or not. A key equal to one of the list comes after it: if
// ids rise, ties go to the lowest.
template <int kLanes, int kTopK>
struct KnownList {
  static constexpr int kSize = kTopK;
  Floats<kLanes> best[kTopK];
  Ints<kLanes> ids[kTopK];
};
template <int kLanes>
struct OpenList {
  std::int64_t kSize;
  Floats<kLanes>* best;
  Ints<kLanes>* ids;
};

template <int kLanes, class List>
void clear(List& list) {
  for (std::int64_t j = 0; j < list.kSize; ++j) {
    list.best[j] = all<kLanes>(kLowestKey);
    list.ids[j] = Ints<kLanes>{};
  }
}

template <int kLanes, class List>
void insert(List& list, Floats<kLanes> key, Ints<kLanes> id) {
#pragma GCC unroll 16
  for (std::int64_t j = list.kSize - 1; j > 0; --j) {
    list.ids[j] = key > list.best[j] ? (key > list.best[j - 1] ? list.ids[j - 1] : id)  //
                                     : list.ids[j];
    list.best[j] = larger(list.best[j], smaller(list.best[j - 1], key));
  }
  list.ids[0] = key > list.best[0] ? id : list.ids[0];
  list.best[0] = larger(list.best[0], key);
}

template <int kLanes, class List>
void insert_all(List& list, const Floats<kLanes>* keys, std::int64_t count) {
  clear<kLanes>(list);
  for (std::int64_t e = 0; e < count; ++e) {
    insert<kLanes>(list, keys[e], Ints<kLanes>{} + static_cast<std::int32_t>(e));
  }
}

constexpr std::int64_t kBlock = kKeyBlock;

// The k largest keys lie in the k blocks with the largest maxima: a block left out has k blocks
// before it, and each of these has a key that comes before all of its own. Equal maxima go to the
// lowest block as equal keys go to the lowest id, so this holds for ties as well.
template <int kLanes, class List>
void insert_by_blocks(List& list, const Floats<kLanes>* keys, std::int64_t count,
                      Floats<kLanes>* maxima) {
  const std::int64_t num_blocks = (count + kBlock - 1) / kBlock;
  for (std::int64_t b = 0; b < num_blocks; ++b) {
    const Floats<kLanes>* block = keys + b * kBlock;
    maxima[b] = larger(larger(block[0], block[1]), larger(block[2], block[3]));
  }
  insert_all<kLanes>(list, maxima, num_blocks);
  auto* blocks = reinterpret_cast<Ints<kLanes>*>(maxima);  // Rising, so that ids rise.
  for (std::int64_t i = 0; i < list.kSize; ++i) {
    Ints<kLanes> block = list.ids[i];
    for (std::int64_t j = 0; j < i; ++j) {
      const Ints<kLanes> before = smaller(blocks[j], block);
      block = larger(blocks[j], block);
      blocks[j] = before;
    }
    blocks[i] = block;
  }
  clear<kLanes>(list);
  for (std::int64_t i = 0; i < list.kSize; ++i) {
    Ints<kLanes> id = blocks[i] * static_cast<std::int32_t>(kBlock);
    for (std::int64_t o = 0; o < kBlock; ++o, id += 1) {
      insert<kLanes>(list, look_up<kLanes>(keys, id), id);
    }
  }
}

template <int kLanes, class List>
void choose(List& list, const Floats<kLanes>* keys, std::int64_t count, Floats<kLanes>* scratch) {
  if (count > 3 * kBlock * list.kSize) {
    insert_by_blocks<kLanes>(list, keys, count, scratch);
  } else {
    insert_all<kLanes>(list, keys, count);
  }
}

template <int kLanes, int kTopK>
void choose_known(const Floats<kLanes>* keys, std::int64_t count, const OpenList<kLanes>& out,
                  Floats<kLanes>* scratch) {
  KnownList<kLanes, kTopK> list;
  choose<kLanes>(list, keys, count, scratch);
  for (int j = 0; j < kTopK; ++j) {
    out.best[j] = list.best[j];
    out.ids[j] = list.ids[j];
  }
}

template <int kLanes>
void select(const float* from, std::int64_t count, std::int64_t top_k, const SelectOutput& out) {
  const auto* keys = reinterpret_cast<const Floats<kLanes>*>(from);
  auto* scratch = reinterpret_cast<Floats<kLanes>*>(out.scratch);
  OpenList<kLanes> list{top_k, reinterpret_cast<Floats<kLanes>*>(out.best),
                        reinterpret_cast<Ints<kLanes>*>(out.ids)};
  switch (top_k) {
    case 1:
      return choose_known<kLanes, 1>(keys, count, list, scratch);
    case 2:
      return choose_known<kLanes, 2>(keys, count, list, scratch);
    case 4:
      return choose_known<kLanes, 4>(keys, count, list, scratch);
    case 6:
      return choose_known<kLanes, 6>(keys, count, list, scratch);
    case 8:
      return choose_known<kLanes, 8>(keys, count, list, scratch);
    default:
      return choose<kLanes>(list, keys, count, scratch);
  }
}

template <int kLanes>
void pick(const float* values, const Picks& picks) {
  for (std::int64_t j = 0; j < picks.top_k; ++j) {
    for (std::int64_t l = 0; l < kLanes; ++l) {
      picks.picked[j * kLanes + l] = values[picks.ids[j * kLanes + l] * kLanes + l];
    }
  }
}

template <int kLanes>
void pick_from_rows(const float* rows, std::int64_t count, std::int64_t tokens, const Picks& picks) {
  const Floats<kLanes> limit = hidden<kLanes>(kLargestLogit);
  auto* picked = reinterpret_cast<Floats<kLanes>*>(picks.picked);
  for (std::int64_t l = 0; l < kLanes; ++l) {
    const float* row = rows + (l < tokens ? l : tokens - 1) * count;
    for (std::int64_t j = 0; j < picks.top_k; ++j) {
      picks.picked[j * kLanes + l] = row[picks.ids[j * kLanes + l]];
    }
  }
  for (std::int64_t j = 0; j < picks.top_k; ++j) picked[j] = limited<kLanes>(picked[j], limit);
}

template <int kLanes>
void weigh(float* in_place, std::int64_t top_k, const float* total_from, const WeightRule& rule) {
  auto* weights = reinterpret_cast<Floats<kLanes>*>(in_place);
  const Floats<kLanes> total = *reinterpret_cast<const Floats<kLanes>*>(total_from);
  Floats<kLanes> factor = all<kLanes>(rule.scaling);
  Floats<kLanes> sum = all<kLanes>(rule.floor > 0 ? 0.0F : 1e-20F);
  for (std::int64_t j = 0; j < top_k; ++j) {
    weights[j] /= total;
    sum += weights[j];
  }
  if (rule.renormalise) factor /= larger(sum, all<kLanes>(rule.floor));
  for (std::int64_t j = 0; j < top_k; ++j) weights[j] *= factor;
}

template <int kLanes>
constexpr LaneStages stages_of(const char* name) {
  return {name,
          kLanes,
          load<kLanes>,
          store<kLanes>,
          score<kLanes>,
          softmax_terms<kLanes>,
          score_some<kLanes>,
          make_keys<kLanes>,
          mask_groups<kLanes>,
          select<kLanes>,
          pick<kLanes>,
          pick_from_rows<kLanes>,
          weigh<kLanes>,
          store_ids<kLanes>};
}

}  // namespace
}  // namespace moesim
