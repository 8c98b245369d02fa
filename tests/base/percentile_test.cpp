#include "base/percentile.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

// Eleven values lie 10 % apart; between two of them the percentile moves in a straight line.
TEST(Percentile, IsLinearBetweenOrderStatistics) {
  const std::vector<double> values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(percentile(values, 0), 0);
  EXPECT_EQ(percentile(values, 50), 5);
  EXPECT_DOUBLE_EQ(percentile(values, 95), 9.5);
  EXPECT_EQ(percentile(values, 100), 10);
}

// numpy.percentile([1, 2, 3, 4], [25, 50, 90]) is [1.75, 2.5, 3.7].
TEST(Percentile, IsTheOneOfNumpy) {
  const std::vector<double> values = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(percentile(values, 25), 1.75);
  EXPECT_DOUBLE_EQ(percentile(values, 50), 2.5);
  EXPECT_DOUBLE_EQ(percentile(values, 90), 3.7);
}

TEST(Percentile, OfOneValueIsThatValue) {
  const std::vector<double> one = {7};
  EXPECT_EQ(percentile(one, 0), 7);
  EXPECT_EQ(percentile(one, 99), 7);
}

TEST(Median, LiesBetweenTheTwoInTheMiddle) {
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({9, 1, 5, 7}), 6);
}

}  // namespace
}  // namespace moesim
