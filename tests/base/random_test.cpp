#include "base/random.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

TEST(RandomStream, SameSeedAndNameGiveTheSameNumbers) {
  RandomStream a(7, "arrivals"), b(7, "arrivals");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a(), b());
}

TEST(RandomStream, AnotherNameOrSeedGivesOtherNumbers) {
  EXPECT_NE(RandomStream(7, "arrivals")(), RandomStream(7, "lengths")());
  EXPECT_NE(RandomStream(7, "arrivals")(), RandomStream(8, "arrivals")());
}

TEST(RandomStream, UniformHasMeanOneHalf) {
  RandomStream random(1, "test");
  double sum = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) sum += random.uniform();
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);  // Five standard deviations.
}

TEST(RandomStream, BelowReachesEveryValueAndNoOther) {
  RandomStream random(1, "test");
  int seen[3] = {};
  for (int i = 0; i < 300; ++i) ++seen[random.below(3)];
  for (const int count : seen) EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace moesim
