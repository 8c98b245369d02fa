#include "hardware/spec/variation.h"

#include <gtest/gtest.h>

#include <set>

namespace moesim {
namespace {

TEST(Triangular, MedianOfASymmetricRangeIsTheValue) {
  EXPECT_DOUBLE_EQ(triangular_quantile(10, {8, 12}, 0.5), 10);
}

TEST(Triangular, EndsAreTheEndsOfTheRange) {
  EXPECT_DOUBLE_EQ(triangular_quantile(3, {1, 9}, 0), 1);
  EXPECT_DOUBLE_EQ(triangular_quantile(3, {1, 9}, 1), 9);
}

TEST(Triangular, AQuarterOfTheProbabilityLiesBelowAValueAQuarterIntoTheRange) {
  EXPECT_DOUBLE_EQ(triangular_quantile(3, {1, 9}, 0.25), 3);
}

TEST(Triangular, AnEmptyRangeIsTheValue) {
  EXPECT_EQ(triangular_quantile(5, {5, 5}, 0.9), 5);
}

TEST(Variation, EveryNumberTakesEachPartOfItsRangeOnce) {
  std::set<double> seen;
  for (std::int64_t sample = 1; sample <= 10; ++sample) {
    seen.insert(Variation{1, sample, 10}.quantile("families/hopper: launch"));
  }
  ASSERT_EQ(seen.size(), 10U);
  EXPECT_DOUBLE_EQ(*seen.begin(), 0.05);
  EXPECT_DOUBLE_EQ(*seen.rbegin(), 0.95);
}

TEST(Variation, TwoNumbersVaryIndependently) {
  int equal = 0;
  for (std::int64_t sample = 1; sample <= 100; ++sample) {
    const Variation v{1, sample, 100};
    equal += v.quantile("a") == v.quantile("b");
  }
  EXPECT_LT(equal, 8);  // One is expected; eight have a probability of 1e-6.
}

TEST(Variation, TheSameNumberIsDrawnAlikeWhoeverAsks) {
  const Variation a{7, 3, 10}, b{7, 3, 10};
  EXPECT_EQ(a.quantile("links/nvlink-4: step"), b.quantile("links/nvlink-4: step"));
}

}  // namespace
}  // namespace moesim
