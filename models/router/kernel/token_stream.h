// Random numbers of one token or token type: the same however a batch is split over calls and
// threads.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace moesim {

inline RandomStream token_stream(std::uint64_t seed, std::string_view purpose, std::int64_t index) {
  // An odd constant other than the one that seeding itself counts by. Source: Steele and Vigna
  // 2021.
  constexpr std::uint64_t kStep = 0xD1342543DE82EF95ULL;
  return {seed + kStep * (static_cast<std::uint64_t>(index) + 1), purpose};
}

}  // namespace moesim
