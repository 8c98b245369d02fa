// MSER-5 on series whose warm-up is known.
#include "sim/results/warm_up.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

// `ramp` observations that climb to 100, then as many of 100 that swing by 1.
std::vector<double> climbing(std::size_t ramp, std::size_t level) {
  std::vector<double> series;
  for (std::size_t i = 0; i < ramp; ++i) {
    series.push_back(100.0 * static_cast<double>(i) / static_cast<double>(ramp));
  }
  for (std::size_t i = 0; i < level; ++i) series.push_back(i / 5 % 2 == 0 ? 99 : 101);
  return series;
}

TEST(WarmUp, AConstantSeriesHasNone) {
  EXPECT_EQ(steady_from(std::vector<double>(100, 7.0)), 0U);
}

TEST(WarmUp, TooFewObservationsTellNothing) {
  EXPECT_EQ(steady_from(std::vector<double>(59, 7.0)), std::nullopt);
}

TEST(WarmUp, EndsWhereTheClimbDoes) {
  const auto from = steady_from(climbing(100, 900));
  ASSERT_TRUE(from);
  EXPECT_GE(*from, 90U);
  EXPECT_LE(*from, 110U);
}

TEST(WarmUp, ASeriesThatStillClimbsIsNotSteady) {
  EXPECT_EQ(steady_from(climbing(1000, 0)), std::nullopt);
  EXPECT_EQ(steady_from(climbing(600, 400)), std::nullopt);
}

TEST(WarmUp, AQueueThatIsRarelyTakenIsSteady) {
  std::vector<double> series(1000, 0.0);
  for (std::size_t i = 17; i < series.size(); i += 37) series[i] = 1;
  EXPECT_TRUE(steady_from(series));
}

TEST(WarmUp, BothTheQueueAndTheBatchCount) {
  std::vector<QueuePoint> queue;
  for (int i = 0; i < 500; ++i) {
    queue.push_back({.time = Seconds(i), .waiting = 0, .running = i, .output_tokens = 0});
  }
  EXPECT_FALSE(is_steady(queue));
  for (QueuePoint& point : queue) point.running = 10;
  EXPECT_TRUE(is_steady(queue));
  for (int i = 0; i < 500; ++i) queue[static_cast<std::size_t>(i)].waiting = i;
  EXPECT_FALSE(is_steady(queue));
}

}  // namespace
}  // namespace moesim
