#include "reports/analysis/doubt.h"

#include <gtest/gtest.h>

#include "reports/analysis/ranking.h"
#include "reports/render/report.h"
#include "reports/results/metrics.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

constexpr const char* kCost = "cost_per_million_output_tokens_usd";

std::size_t place_of(std::string_view key) {
  for (std::size_t i = 0; i < metric_table().size(); ++i) {
    if (metric_table()[i].key == key) return i;
  }
  return metric_table().size();
}

// The case's own metrics, with these values of its cost, draw by draw.
void draw_costs(CaseReport& one, const std::vector<double>& costs) {
  one.draws.clear();
  for (const double cost : costs) {
    one.draws.push_back(one.metrics);
    one.draws.back()[place_of(kCost)] = cost;
  }
}

TEST(Interval, OfElevenEvenlySpacedValuesLeavesOneOutAtEachEnd) {
  const auto range = interval_of({0, 1, 2, 3, 4, 6, 7, 8, 9, 10}, 5);
  ASSERT_TRUE(range);
  EXPECT_DOUBLE_EQ(range->low, 1);
  EXPECT_DOUBLE_EQ(range->high, 9);
}

TEST(Interval, HoldsTheStatedValueEvenIfNoDrawReachesIt) {
  const auto range = interval_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 9);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->low, 1);
  EXPECT_EQ(range->high, 9);
}

// 2.00 USD: the interval below it needs no unit of its own.
TEST(Interval, LeavesOutAUnitThatTheFigureHas) {
  CaseReport one = examples::done("moe", true, examples::summary(true));
  draw_costs(one, {1, 1, 1, 1, 3, 3, 3, 3});
  EXPECT_EQ(readable_interval(one, kCost), "1.00 to 3.00 USD");
  EXPECT_EQ(short_interval(one, kCost), "1.00 to 3.00");
  one.metrics[place_of("ttft_p99_s")] = 0.9;
  for (std::size_t i = 0; i < one.draws.size(); ++i)
    one.draws[i][place_of("ttft_p99_s")] = i % 2 ? 0.8 : 1.2;
  EXPECT_EQ(short_interval(one, "ttft_p99_s"), "800 ms to 1.20 s");
}

TEST(Interval, NeedsFiveDraws) {
  EXPECT_FALSE(interval_of({1, 2, 3, 4}, 2));
  EXPECT_TRUE(interval_of({1, 2, 3, 4, 5}, 2));
}

TEST(Interval, SkipsDrawsThatCouldNotRun) {
  CaseReport one = examples::done("moe", true, examples::summary(true));
  draw_costs(one, {1, 2, 3, 4, 5});
  one.draws.front().clear();
  EXPECT_FALSE(interval(one, kCost));
}

TEST(Contest, CountsTheDrawsInWhichTheOrderTurns) {
  Report report = examples::two_cases();
  CaseReport &a = report.cases[0], &b = report.cases[1];
  draw_costs(a, {1, 1, 1, 1, 1, 3, 3, 3, 3, 3});
  draw_costs(b, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  const Contest result = contest(a, b, kCost);
  EXPECT_EQ(result.draws, 10);
  EXPECT_EQ(result.turned, 5);
  EXPECT_TRUE(result.is_tie());
}

TEST(Contest, OneTurnInTenIsStillAnOrder) {
  Report report = examples::two_cases();
  draw_costs(report.cases[0], {1, 1, 1, 1, 1, 1, 1, 1, 1, 3});
  draw_costs(report.cases[1], {2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  EXPECT_FALSE(contest(report.cases[0], report.cases[1], kCost).is_tie());
}

TEST(Verdict, CallsATieWhatTurnsWithinTheDoubt) {
  Report report = examples::two_cases();
  const std::string clear = verdict(report);
  EXPECT_EQ(clear.find("tie"), std::string::npos);
  draw_costs(report.cases[0], {1, 1, 1, 1, 1, 3, 3, 3, 3, 3});
  draw_costs(report.cases[1], {2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  EXPECT_NE(verdict(report).find("are a tie"), std::string::npos);
  EXPECT_NE(verdict(report).find("5 of 10 draws"), std::string::npos);
}

TEST(Verdict, NamesACaseThatMayMissItsServiceLevel) {
  Report report = examples::two_cases();
  CaseReport& winner = report.cases[ranking(report.cases).front()];
  winner.metrics[place_of("slo_met")] = 1;
  winner.draws.assign(10, winner.metrics);
  EXPECT_EQ(verdict(report).find("service level in"), std::string::npos);
  for (int i = 0; i < 3; ++i) winner.draws[i][place_of("slo_met")] = 0;
  EXPECT_NE(verdict(report).find("meets its service level in 7 of 10 draws"), std::string::npos);
}

TEST(RestsOn, PricesEnterCostsAndPowerEntersEnergyOnly) {
  CaseReport one;
  one.facts = {{"devices/d: memory_bandwidth", "1 TB/s", "s", "data-sheet"},
               {"devices/d: rent", "2 USD/h", "s", "indicative"},
               {"families/f: power_busy", "0.4", "s", "calibrated"},
               {"families/f: launch", "2 us", "s", "calibrated"}};
  const auto count = [&](std::string_view key) {
    int sum = 0;
    for (const auto& [confidence, number] : rests_on(one, key)) sum += number;
    return sum;
  };
  EXPECT_EQ(count("tpot_p50_s"), 2);
  EXPECT_EQ(count("energy_per_output_token_j"), 3);
  EXPECT_EQ(count(kCost), 4);
}

}  // namespace
}  // namespace moesim
