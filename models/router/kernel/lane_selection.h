// Group mask and top-k of lanes. Included by one file per instruction set (lane_vectors.h).
#pragma once

#include <cstdint>

#include "models/router/kernel/lane_vectors.h"

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
template <int kLanes, class Number, class Vector>
Vector look_up(const Vector* values, const Ints<kLanes>& ids) {
  const auto* from = reinterpret_cast<const Number*>(values);
  alignas(64) std::int32_t id[kLanes];
  alignas(64) Number found[kLanes];
  *reinterpret_cast<Ints<kLanes>*>(id) = ids;
  for (int l = 0; l < kLanes; ++l) found[l] = from[id[l] * kLanes + l];
  return *reinterpret_cast<const Vector*>(found);
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

template <int kLanes>
void find_maxima(const Floats<kLanes>* keys, std::int64_t num_blocks, Floats<kLanes>* maxima) {
  for (std::int64_t b = 0; b < num_blocks; ++b) {
    const Floats<kLanes>* block = keys + b * kBlock;
    maxima[b] = larger(larger(block[0], block[1]), larger(block[2], block[3]));
  }
}

// Rising in every lane, so that the ids of their keys rise.
template <int kLanes>
void sort_blocks(Ints<kLanes>* blocks, std::int64_t count) {
  for (std::int64_t i = 1; i < count; ++i) {
    for (std::int64_t j = 0; j < i; ++j) {
      const Ints<kLanes> before = smaller(blocks[j], blocks[i]);
      blocks[i] = larger(blocks[j], blocks[i]);
      blocks[j] = before;
    }
  }
}

// The k largest keys lie in the k blocks with the largest maxima: a block left out has k blocks
// before it, and each of these has a key that comes before all of its own. Equal maxima go to the
// lowest block as equal keys go to the lowest id, so this holds for ties as well.
template <int kLanes, class List>
void insert_by_blocks(List& list, const Floats<kLanes>* keys, std::int64_t count,
                      Floats<kLanes>* maxima) {
  const std::int64_t num_blocks = (count + kBlock - 1) / kBlock;
  find_maxima<kLanes>(keys, num_blocks, maxima);
  insert_all<kLanes>(list, maxima, num_blocks);
  auto* blocks = reinterpret_cast<Ints<kLanes>*>(maxima);
  for (std::int64_t i = 0; i < list.kSize; ++i) blocks[i] = list.ids[i];
  sort_blocks<kLanes>(blocks, list.kSize);
  clear<kLanes>(list);
  for (std::int64_t i = 0; i < list.kSize; ++i) {
    Ints<kLanes> id = blocks[i] * static_cast<std::int32_t>(kBlock);
    for (std::int64_t o = 0; o < kBlock; ++o, id += 1) {
      insert<kLanes>(list, look_up<kLanes, float>(keys, id), id);
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

// Half the work, for most tokens: keys whose lowest bits are replaced by the place, so that one number
// is all there is to move. Keys that differ only in those bits look equal; where that could change
// the choice, the list above decides. Stays in floating point, whose maxima two units compute.
template <int kLanes, int kTopK>
class PackedList {
 public:
  explicit PackedList(std::int64_t num_places) {
    while (mask_ < num_places - 1) mask_ = 2 * mask_ + 1;
    for (Floats<kLanes>& packed : best_) packed = all<kLanes>(kLowestKey);
  }

  // Requires: a finite key.
  void insert(Floats<kLanes> key, std::int64_t place) {
    const Ints<kLanes> bits = as_bits(key + 0.0F);  // -0 becomes +0.
    const Ints<kLanes> low = (mask_ - static_cast<std::int32_t>(place)) ^ turned(bits);
    const auto packed = __builtin_bit_cast(Floats<kLanes>, (bits & ~mask_) | low);
#pragma GCC unroll 16
    for (int j = kTopK; j > 0; --j) best_[j] = larger(best_[j], smaller(best_[j - 1], packed));
    best_[0] = larger(best_[0], packed);
  }
  Ints<kLanes> place(int j) const {
    const Ints<kLanes> bits = as_bits(best_[j]);
    return mask_ - ((bits & mask_) ^ turned(bits));
  }

  // True if the first kTopK are those of the exact keys, in some order or in order.
  bool is_exact_set() const { return all_differ(kTopK - 1); }
  bool is_exact() const { return all_differ(0); }

 private:
  static Ints<kLanes> as_bits(Floats<kLanes> key) {
    return __builtin_bit_cast(Ints<kLanes>, key);
  }
  // More low bits make a negative key smaller: all of them turn round.
  Ints<kLanes> turned(Ints<kLanes> bits) const { return (bits >> 31) & mask_; }

  bool all_differ(int first) const {
    Ints<kLanes> equal{};
    for (int j = first; j < kTopK; ++j) {
      equal |= ((as_bits(best_[j]) ^ as_bits(best_[j + 1])) & ~mask_) == 0;
    }
    alignas(64) std::int32_t lanes[kLanes];
    *reinterpret_cast<Ints<kLanes>*>(lanes) = equal;
    std::int32_t any = 0;
    for (int l = 0; l < kLanes; ++l) any |= lanes[l];
    return any == 0;
  }

  std::int32_t mask_ = 1;
  Floats<kLanes> best_[kTopK + 1];
};

constexpr std::int64_t kMostPlaces = 64;   // With more, too many keys look equal.
constexpr std::int64_t kMostBlocks = 128;  // Only the last chosen one may not.

// Ids in order, or false if some keys look equal.
template <int kLanes, int kTopK>
bool choose_packed(const Floats<kLanes>* keys, std::int64_t count, Ints<kLanes>* ids) {
  PackedList<kLanes, kTopK> list(count);
  for (std::int64_t e = 0; e < count; ++e) list.insert(keys[e], e);
  for (int j = 0; j < kTopK; ++j) ids[j] = list.place(j);
  return list.is_exact();
}

template <int kLanes, int kTopK>
bool choose_packed_by_blocks(const Floats<kLanes>* keys, std::int64_t count, Ints<kLanes>* ids,
                             Floats<kLanes>* maxima) {
  const std::int64_t num_blocks = (count + kBlock - 1) / kBlock;
  find_maxima<kLanes>(keys, num_blocks, maxima);
  PackedList<kLanes, kTopK> best_blocks(num_blocks);
  for (std::int64_t b = 0; b < num_blocks; ++b) best_blocks.insert(maxima[b], b);
  if (!best_blocks.is_exact_set()) return false;
  Ints<kLanes> blocks[kTopK];
  for (int j = 0; j < kTopK; ++j) blocks[j] = best_blocks.place(j);
  sort_blocks<kLanes>(blocks, kTopK);
  PackedList<kLanes, kTopK> list(kTopK * kBlock);
  for (std::int64_t i = 0; i < kTopK; ++i) {
    Ints<kLanes> id = blocks[i] * static_cast<std::int32_t>(kBlock);
    for (std::int64_t o = 0; o < kBlock; ++o, id += 1) {
      list.insert(look_up<kLanes, float>(keys, id), i * kBlock + o);
    }
  }
  for (int j = 0; j < kTopK; ++j) {
    const Ints<kLanes> place = list.place(j);
    const Ints<kLanes> block = look_up<kLanes, std::int32_t>(blocks, place / static_cast<int>(kBlock));
    ids[j] = block * static_cast<int>(kBlock) + place % static_cast<int>(kBlock);
  }
  return list.is_exact();
}

template <int kLanes, int kTopK>
void choose_known(const Floats<kLanes>* keys, std::int64_t count, const OpenList<kLanes>& out,
                  Floats<kLanes>* scratch) {
  if constexpr (kTopK >= 4) {
    const std::int64_t num_blocks = (count + kBlock - 1) / kBlock;
    if (count <= kMostPlaces) {
      if (choose_packed<kLanes, kTopK>(keys, count, out.ids)) return;
    } else if (num_blocks > kTopK && num_blocks <= kMostBlocks) {
      if (choose_packed_by_blocks<kLanes, kTopK>(keys, count, out.ids, scratch)) return;
    }
  }
  KnownList<kLanes, kTopK> list;
  choose<kLanes>(list, keys, count, scratch);
  for (int j = 0; j < kTopK; ++j) out.ids[j] = list.ids[j];
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

}  // namespace
}  // namespace moesim
