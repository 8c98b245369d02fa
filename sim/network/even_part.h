// Even shares of a count.
#pragma once

#include <cstdint>

namespace moesim {

// Part i of n of a count; the first parts are one larger where n does not divide it.
constexpr std::int64_t even_part(std::int64_t count, std::int64_t i, std::int64_t n) {
  return count / n + (i < count % n ? 1 : 0);
}

}  // namespace moesim
