// Confidence intervals by sectioning, on values whose figures are known.
#include "sim/results/precision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace moesim {
namespace {

TEST(Precision, EqualValuesAreKnownExactly) {
  EXPECT_EQ(percentile_estimate(std::vector<double>(100, 3.0), 99)->half_width, 0);
}

TEST(Precision, FewerThanAHundredValuesTellNothing) {
  EXPECT_FALSE(percentile_estimate(std::vector<double>(99, 3.0), 50));
}

// Sections of ones and sections of threes in turn: the median of all is 2, each section is 1 off.
// 2.262 sqrt(10 * 1 / 9 / 10) / 2 = 0.377.
TEST(Precision, HalfWidthOfAMedian) {
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(i / 20 % 2 == 0 ? 1 : 3);
  EXPECT_NEAR(percentile_estimate(values, 50).value().half_width, 0.377, 1e-3);
}

// A point a second; the second half makes twice as many tokens a second. The mean rate is 1.5, each
// section is 0.5 off: 2.262 sqrt(10 * 0.25 / 9 / 10) / 1.5 = 0.251.
TEST(Precision, HalfWidthOfATokenRate) {
  std::vector<QueuePoint> queue;
  for (int i = 0; i <= 1000; ++i) {
    queue.push_back({Seconds(i), 0, 1, i <= 500 ? i : 2 * i - 500});
  }
  EXPECT_NEAR(token_rate_estimate(queue, Seconds(0), Seconds(1000)).value().half_width, 0.251,
              1e-3);
  EXPECT_NEAR(token_rate_estimate(queue, Seconds(0), Seconds(500)).value().half_width, 0, 1e-9);
  EXPECT_FALSE(token_rate_estimate(queue, Seconds(0), Seconds(50)));
  EXPECT_NEAR(token_rate_estimate(queue, Seconds(0), Seconds(1000))->value, 1.5, 1e-9);
}

// Of 300 runs of 3,000 exponential values each, some 95 % of the intervals hold the true P99,
// ln 100.
TEST(Precision, IntervalsHoldTheTruthAsOftenAsTheySay) {
  const double truth = std::log(100.0);
  RandomStream random(1, "precision");
  int held = 0;
  for (int run = 0; run < 300; ++run) {
    std::vector<double> values;
    for (int i = 0; i < 3000; ++i) values.push_back(-std::log(1 - random.uniform()));
    const Estimate p99 = percentile_estimate(values, 99).value();
    if (std::abs(p99.value - truth) <= p99.half_width * p99.value) ++held;
  }
  EXPECT_GE(held, 0.90 * 300);
  EXPECT_LE(held, 0.99 * 300);
}

TEST(Precision, PercentilesCountWhereTheSloLimitsThem) {
  RunPrecision run;
  run.token_rate = {1000, 0.01};
  run.ttft_p99 = {1.9, 0.2};
  run.end_to_ends = 9;
  ServiceLevel slo;
  EXPECT_TRUE(is_reached(kNominalPrecision, run, slo));
  slo.ttft_p99 = Seconds(2);
  EXPECT_FALSE(is_reached(kNominalPrecision, run, slo));
  EXPECT_FALSE(is_reached(kLeastPrecision, run, slo));
  slo.ttft_p99 = Seconds(4);  // 1.9 s to 20 % is below 2.28 s.
  EXPECT_FALSE(is_reached(kNominalPrecision, run, slo));
  EXPECT_TRUE(is_reached(kLeastPrecision, run, slo));
  slo.tpot_p99 = Seconds(1);
  EXPECT_FALSE(is_reached(kLeastPrecision, run, slo));
}

}  // namespace
}  // namespace moesim
