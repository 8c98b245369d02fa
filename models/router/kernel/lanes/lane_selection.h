// Top-k of lanes. Included by one file per instruction set (lane_vectors.h).
#pragma once

#include <cstdint>

#include "models/router/kernel/lanes/lane_vectors.h"

namespace moesim {
namespace {

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

// The keys of up to kBlocks blocks and their ids, in rising order of ids.
template <int kLanes, int kBlocks>
struct Candidates {
  int size;
  Ints<kLanes> ids[kBlocks * kBlock];
  Floats<kLanes> keys[kBlocks * kBlock];

  Candidates(const Floats<kLanes>* all_keys, Ints<kLanes>* blocks, int num_blocks)
      : size(num_blocks * static_cast<int>(kBlock)) {
    constexpr int kKeys = static_cast<int>(kBlock);
    sort_blocks<kLanes>(blocks, num_blocks);
    int i = 0;
    do {  // At least once, as the compiler should know.
      ids[i] = blocks[i / kKeys] * kKeys + i % kKeys;
      keys[i] = look_up<kLanes>(all_keys, ids[i]);
    } while (++i < size);
  }
};

// The k largest keys lie in the k blocks with the largest maxima: a block left out has k blocks
// before it, and each of these has a key that comes before all of its own. Equal maxima go to the
// lowest block as equal keys go to the lowest id, so this holds for ties as well.
template <int kLanes, int kTopK>
void insert_by_blocks(KnownList<kLanes, kTopK>& list, const Floats<kLanes>* keys,
                      const Floats<kLanes>* maxima, std::int64_t num_blocks) {
  insert_all<kLanes>(list, maxima, num_blocks);
  const Candidates<kLanes, kTopK> candidates(keys, list.ids, kTopK);
  clear<kLanes>(list);
  for (int i = 0; i < candidates.size; ++i) {
    insert<kLanes>(list, candidates.keys[i], candidates.ids[i]);
  }
}

// Half the work, for most tokens: keys whose lowest bits are replaced by the place, so that one
// number is all there is to move. Keys that differ only in those bits look equal: where the last
// chosen one does, the lists above decide. Stays in floating point, whose maxima two units compute.
template <int kLanes, int kSize>
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
#pragma GCC unroll 32
    for (int j = kSize; j > 0; --j) best_[j] = larger(best_[j], smaller(best_[j - 1], packed));
    best_[0] = larger(best_[0], packed);
  }
  Ints<kLanes> place(int j) const {
    const Ints<kLanes> bits = as_bits(best_[j]);
    return mask_ - ((bits & mask_) ^ turned(bits));
  }

  // Whether the first top_k <= kSize are those of the exact keys, in some order or in order.
  bool is_exact_set(int top_k) const {
    return all_differ(top_k - 1, top_k);
  }
  bool is_exact(int top_k) const {
    return all_differ(0, top_k);
  }

 private:
  static Ints<kLanes> as_bits(Floats<kLanes> key) {
    return __builtin_bit_cast(Ints<kLanes>, key);
  }
  // More low bits make a negative key smaller: all of them turn round.
  Ints<kLanes> turned(Ints<kLanes> bits) const {
    return (bits >> 31) & mask_;
  }

  bool all_differ(int first, int last) const {
    Ints<kLanes> equal{};
    for (int j = first; j < last; ++j) {
      equal |= ((as_bits(best_[j]) ^ as_bits(best_[j + 1])) & ~mask_) == 0;
    }
    return !any_lane<kLanes>(equal);
  }

  std::int32_t mask_ = 1;
  Floats<kLanes> best_[kSize + 1];
};

constexpr std::int64_t kMostPlaces = 64;   // With more, blocks first.
constexpr std::int64_t kMostBlocks = 128;  // With more, too many look equal.

// Ids in falling order of their keys. Requires: equal keys in rising order of ids.
template <int kLanes, int kSize>
void put_in_order(const Floats<kLanes>* keys, int top_k, Ints<kLanes>* ids) {
  Floats<kLanes> exact[kSize];
  for (int j = 0; j < top_k; ++j) exact[j] = look_up<kLanes>(keys, ids[j]);
  Ints<kLanes> moved;
  do {
    moved = Ints<kLanes>{};
    for (int j = 1; j < top_k; ++j) {
      const Ints<kLanes> swaps = exact[j] > exact[j - 1];
      const Floats<kLanes> key = exact[j];
      const Ints<kLanes> id = ids[j];
      exact[j] = swaps ? exact[j - 1] : key;
      exact[j - 1] = swaps ? key : exact[j - 1];
      ids[j] = swaps ? ids[j - 1] : id;
      ids[j - 1] = swaps ? id : ids[j - 1];
      moved |= swaps;
    }
  } while (any_lane<kLanes>(moved));
}

// Ids in order, or false if the last chosen key looks equal to one that is not.
template <int kLanes, int kSize>
bool choose_packed(const Floats<kLanes>* keys, std::int64_t count, int top_k, Ints<kLanes>* ids) {
  PackedList<kLanes, kSize> list(count);
  for (std::int64_t e = 0; e < count; ++e) list.insert(keys[e], e);
  if (!list.is_exact_set(top_k)) return false;
  for (int j = 0; j < top_k; ++j) ids[j] = list.place(j);
  if (!list.is_exact(top_k)) put_in_order<kLanes, kSize>(keys, top_k, ids);
  return true;
}

template <int kLanes, int kSize>
bool choose_packed_by_blocks(const Floats<kLanes>* keys, const Floats<kLanes>* maxima,
                             std::int64_t num_blocks, int top_k, Ints<kLanes>* ids) {
  PackedList<kLanes, kSize> best_blocks(num_blocks);
  for (std::int64_t b = 0; b < num_blocks; ++b) best_blocks.insert(maxima[b], b);
  if (!best_blocks.is_exact_set(top_k)) return false;
  Ints<kLanes> places[kSize];
  for (int j = 0; j < top_k; ++j) places[j] = best_blocks.place(j);
  const Candidates<kLanes, kSize> candidates(keys, places, top_k);
  Ints<kLanes> chosen[kSize];
  if (!choose_packed<kLanes, kSize>(candidates.keys, candidates.size, top_k, chosen)) return false;
  for (int j = 0; j < top_k; ++j) ids[j] = look_up<kLanes>(candidates.ids, chosen[j]);
  return true;
}

template <int kLanes, int kTopK>
void choose_by_blocks(const Floats<kLanes>* keys, const Floats<kLanes>* maxima,
                      std::int64_t num_blocks, Ints<kLanes>* ids) {
  if constexpr (kTopK >= 4) {
    if (num_blocks <= kMostBlocks &&
        choose_packed_by_blocks<kLanes, kTopK>(keys, maxima, num_blocks, kTopK, ids)) {
      return;
    }
  }
  KnownList<kLanes, kTopK> list;
  insert_by_blocks<kLanes, kTopK>(list, keys, maxima, num_blocks);
  for (int j = 0; j < kTopK; ++j) ids[j] = list.ids[j];
}

template <int kLanes, int kTopK>
void choose_known(const Floats<kLanes>* keys, std::int64_t count, Ints<kLanes>* ids,
                  const SelectOutput& out) {
  auto* maxima = reinterpret_cast<Floats<kLanes>*>(out.scratch);
  const std::int64_t num_blocks = (count + kBlock - 1) / kBlock;
  const bool small = count <= kMostPlaces || num_blocks <= kTopK;
  if (out.maxima_known || !small) {
    if (!out.maxima_known) find_maxima<kLanes>(keys, num_blocks, maxima);
    return choose_by_blocks<kLanes, kTopK>(keys, maxima, num_blocks, ids);
  }
  if constexpr (kTopK >= 4) {
    if (choose_packed<kLanes, kTopK>(keys, count, kTopK, ids)) return;
  }
  KnownList<kLanes, kTopK> list;
  insert_all<kLanes>(list, keys, count);
  for (int j = 0; j < kTopK; ++j) ids[j] = list.ids[j];
}

// Like choose_known, for any top_k <= kSize.
template <int kLanes, int kSize>
void choose_up_to(const Floats<kLanes>* keys, std::int64_t count, std::int64_t top_k,
                  const SelectOutput& out) {
  auto* maxima = reinterpret_cast<Floats<kLanes>*>(out.scratch);
  auto* ids = reinterpret_cast<Ints<kLanes>*>(out.ids);
  const std::int64_t num_blocks = (count + kBlock - 1) / kBlock;
  const int chosen = static_cast<int>(top_k);
  if (count <= kMostPlaces || num_blocks <= top_k) {
    if (choose_packed<kLanes, kSize>(keys, count, chosen, ids)) return;
  } else if (num_blocks <= kMostBlocks) {
    find_maxima<kLanes>(keys, num_blocks, maxima);
    if (choose_packed_by_blocks<kLanes, kSize>(keys, maxima, num_blocks, chosen, ids)) return;
  }
  OpenList<kLanes> list{top_k, reinterpret_cast<Floats<kLanes>*>(out.best), ids};
  insert_all<kLanes>(list, keys, count);
}

template <int kLanes>
void select(const float* from, std::int64_t count, std::int64_t top_k, const SelectOutput& out) {
  const auto* keys = reinterpret_cast<const Floats<kLanes>*>(from);
  auto* ids = reinterpret_cast<Ints<kLanes>*>(out.ids);
  switch (top_k) {
    case 1:
      return choose_known<kLanes, 1>(keys, count, ids, out);
    case 2:
      return choose_known<kLanes, 2>(keys, count, ids, out);
    case 4:
      return choose_known<kLanes, 4>(keys, count, ids, out);
    case 6:
      return choose_known<kLanes, 6>(keys, count, ids, out);
    case 8:
      return choose_known<kLanes, 8>(keys, count, ids, out);
    default:
      break;
  }
  if (top_k <= 8) return choose_up_to<kLanes, 8>(keys, count, top_k, out);
  if (top_k <= 16) return choose_up_to<kLanes, 16>(keys, count, top_k, out);
  if (top_k <= 24) return choose_up_to<kLanes, 24>(keys, count, top_k, out);
  if (top_k <= 32) return choose_up_to<kLanes, 32>(keys, count, top_k, out);
  OpenList<kLanes> list{top_k, reinterpret_cast<Floats<kLanes>*>(out.best), ids};
  insert_all<kLanes>(list, keys, count);
}

}  // namespace
}  // namespace moesim
