// Vectors with a token per lane, and the transposition between them and rows of memory. Like all
// the code of lane stages this is included by one file per instruction set, and calls nothing from
// the standard library, so that no function compiled for a newer processor is ever shared.
#pragma once

#include <cstdint>

#include "models/router/kernel/lanes/lane_stages.h"

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

using Four = Floats<4>;

// Rows of a caller's memory are aligned to their numbers only.
inline Four read_four(const float* from) {
  Four four;
  __builtin_memcpy(&four, from, sizeof four);
  return four;
}

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

template <int kLanes>
bool any_lane(Ints<kLanes> set) {
  alignas(64) std::int32_t lanes[kLanes];
  __builtin_memcpy(lanes, &set, sizeof set);
  std::int32_t any = 0;
  for (int l = 0; l < kLanes; ++l) any |= lanes[l];
  return any != 0;
}

// A constant that the compiler does not see, because g++ 12 turns x > c ? x : c into the
// processor's maximum for variables only, and into two slower instructions for constants.
template <int kLanes>
Floats<kLanes> hidden(float value) {
  volatile float memory = value;
  return all<kLanes>(memory);
}

// Not a number becomes the lower limit, because no comparison with it holds.
template <int kLanes>
Floats<kLanes> limited(Floats<kLanes> x, Floats<kLanes> limit) {
  return smaller(larger(x, -limit), limit);
}

// Words of four bytes at memory + 4 places[l], for every lane l. Files of instruction sets that
// gather replace this.
template <int kLanes>
Ints<kLanes> gather(const void* memory, Ints<kLanes> places) {
  Ints<kLanes> words;
  for (int l = 0; l < kLanes; ++l) {
    std::int32_t word;
    __builtin_memcpy(&word, static_cast<const char*>(memory) + 4 * std::int64_t{places[l]}, 4);
    words[l] = word;
  }
  return words;
}

template <int kLanes>
Ints<kLanes> lane_numbers() {
  Ints<kLanes> numbers;
  for (int l = 0; l < kLanes; ++l) numbers[l] = l;
  return numbers;
}

// columns[ids[l]] of every lane l.
template <int kLanes>
Ints<kLanes> look_up(const Ints<kLanes>* columns, Ints<kLanes> ids) {
  return gather<kLanes>(columns, ids * kLanes + lane_numbers<kLanes>());
}
template <int kLanes>
Floats<kLanes> look_up(const Floats<kLanes>* columns, Ints<kLanes> ids) {
  const Ints<kLanes> words = gather<kLanes>(columns, ids * kLanes + lane_numbers<kLanes>());
  return __builtin_bit_cast(Floats<kLanes>, words);
}

// Four columns of kLanes rows, four rows after every four lanes: rows i, i + 4, i + 8, i + 12.
template <int kLanes>
Floats<kLanes> gather_quads(const float* const* rows, std::int64_t column) {
  if constexpr (kLanes == 4) {
    return read_four(rows[0] + column);
  } else if constexpr (kLanes == 8) {
    const Four a = read_four(rows[0] + column);
    const Four b = read_four(rows[4] + column);
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

constexpr std::int64_t kLineFloats = 16;  // Of a cache line.

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
    if (e % kLineFloats == 0) {  // The next tokens, which no prefetcher sees coming.
      for (int l = 0; l < kLanes; ++l) __builtin_prefetch(rows[l] + kLanes * count + e, 0, 2);
    }
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

// Rows of a caller's memory, `count` words of four bytes each, written byte by byte because the
// words may be pairs of ids.
struct WordRows {
  char* memory;
  std::int64_t count;

  char* at(std::int64_t row, std::int64_t word) const { return memory + 4 * (row * count + word); }
};

// Writes quad q of `quads` from a word of row 4 q + `row` on.
template <int kLanes>
void scatter_quads(Floats<kLanes> quads, const WordRows& rows, std::int64_t row,
                   std::int64_t word) {
  if constexpr (kLanes == 4) {
    __builtin_memcpy(rows.at(row, word), &quads, sizeof quads);
  } else if constexpr (kLanes == 8) {
    scatter_quads<4>(__builtin_shufflevector(quads, quads, 0, 1, 2, 3), rows, row, word);
    scatter_quads<4>(__builtin_shufflevector(quads, quads, 4, 5, 6, 7), rows, row + 4, word);
  } else {
    scatter_quads<8>(__builtin_shufflevector(quads, quads, 0, 1, 2, 3, 4, 5, 6, 7), rows, row,
                     word);
    scatter_quads<8>(__builtin_shufflevector(quads, quads, 8, 9, 10, 11, 12, 13, 14, 15), rows,
                     row + 8, word);
  }
}

// Columns of all lanes as rows.
template <int kLanes>
void store_columns(const Floats<kLanes>* columns, const WordRows& rows) {
  if (rows.count == 2) {  // Two rows per quad.
    scatter_quads<kLanes>(unpack<kLanes, 0>(columns[0], columns[1]), rows, 0, 0);
    scatter_quads<kLanes>(unpack<kLanes, 2>(columns[0], columns[1]), rows, 2, 0);
    return;
  }
  std::int64_t word = 0;
  for (; word + 4 <= rows.count; word += 4) {
    const Floats<kLanes>* quad = columns + word;
    const Floats<kLanes> ab_low = unpack<kLanes, 0>(quad[0], quad[1]);
    const Floats<kLanes> ab_high = unpack<kLanes, 2>(quad[0], quad[1]);
    const Floats<kLanes> cd_low = unpack<kLanes, 0>(quad[2], quad[3]);
    const Floats<kLanes> cd_high = unpack<kLanes, 2>(quad[2], quad[3]);
    scatter_quads<kLanes>(pair_up<kLanes, 0>(ab_low, cd_low), rows, 0, word);
    scatter_quads<kLanes>(pair_up<kLanes, 2>(ab_low, cd_low), rows, 1, word);
    scatter_quads<kLanes>(pair_up<kLanes, 0>(ab_high, cd_high), rows, 2, word);
    scatter_quads<kLanes>(pair_up<kLanes, 2>(ab_high, cd_high), rows, 3, word);
  }
  for (; word < rows.count; ++word) {
    for (std::int64_t l = 0; l < kLanes; ++l) {
      const float value = columns[word][l];
      __builtin_memcpy(rows.at(l, word), &value, sizeof value);
    }
  }
}

template <int kLanes>
void store(const float* values, std::int64_t count, std::int64_t tokens, float* rows) {
  if (tokens == kLanes) {
    return store_columns<kLanes>(reinterpret_cast<const Floats<kLanes>*>(values),
                                 {reinterpret_cast<char*>(rows), count});
  }
  for (std::int64_t l = 0; l < tokens; ++l) {
    for (std::int64_t e = 0; e < count; ++e) rows[l * count + e] = values[e * kLanes + l];
  }
}

// Two ids fill the room of one float, so pairs of them are stored as floats are.
template <int kLanes>
void store_ids(const std::int32_t* from, std::int64_t top_k, std::int64_t tokens,
               std::uint16_t* rows) {
  constexpr std::int64_t kMostPairs = 4;
  constexpr bool kLittleEndian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  const auto* ids = reinterpret_cast<const Ints<kLanes>*>(from);
  if (kLittleEndian && top_k % 2 == 0 && top_k <= 2 * kMostPairs && tokens == kLanes) {
    Floats<kLanes> pairs[kMostPairs];
    for (std::int64_t j = 0; j < top_k / 2; ++j) {
      const Ints<kLanes> pair = ids[2 * j] | (ids[2 * j + 1] << 16);
      pairs[j] = __builtin_bit_cast(Floats<kLanes>, pair);
    }
    if (top_k == 2) {
      __builtin_memcpy(rows, pairs, sizeof pairs[0]);
      return;
    }
    return store_columns<kLanes>(pairs, {reinterpret_cast<char*>(rows), top_k / 2});
  }
  for (std::int64_t l = 0; l < tokens; ++l) {
    for (std::int64_t j = 0; j < top_k; ++j) {
      *rows++ = static_cast<std::uint16_t>(from[j * kLanes + l]);
    }
  }
}

}  // namespace
}  // namespace moesim
