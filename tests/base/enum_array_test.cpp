#include "base/enum_array.h"

#include <gtest/gtest.h>

#include <numeric>

namespace moesim {

enum class Fruit { kApple, kPear, kPlum };
template <>
inline constexpr std::size_t kNumEnumerators<Fruit> = 3;

TEST(EnumArray, IsIndexedByTheEnumeratorOrItsNumber) {
  EnumArray<Fruit, int> counts{};
  counts[Fruit::kPear] = 5;
  counts[2] = 7;
  EXPECT_EQ(counts[1], 5);
  EXPECT_EQ(counts[Fruit::kPlum], 7);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), 12);
}

}  // namespace moesim
