#include "reports/analysis/uncertainty.h"

#include <gtest/gtest.h>

#include "reports/analysis/ranking.h"
#include "reports/render/words/uncertainty_words.h"
#include "reports/render/words/verdict_words.h"
#include "tests/reports/examples.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

constexpr Metric kCost = Metric::kCostPerMillionOutputTokens;

// The case's own metrics, with these values of its cost, sample by sample.
void sample_costs(CaseReport& report, const std::vector<double>& costs) {
  CaseReport sample = report;
  report.samples.clear();
  for (const double cost : costs) {
    made::set(sample, kCost, cost);
    report.samples.push_back(sample.metrics);
  }
}

TEST(Interval, OfElevenEvenlySpacedValuesLeavesOneOutAtEachEnd) {
  const auto range = interval_of({0, 1, 2, 3, 4, 6, 7, 8, 9, 10}, 5);
  ASSERT_TRUE(range);
  EXPECT_DOUBLE_EQ(range->low, 1);
  EXPECT_DOUBLE_EQ(range->high, 9);
}

TEST(Interval, HoldsTheStatedValueEvenIfNoSampleReachesIt) {
  const auto range = interval_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 9);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->low, 1);
  EXPECT_EQ(range->high, 9);
}

// 2.00 USD: the interval below it needs no unit of its own.
TEST(Interval, LeavesOutAUnitThatTheFigureHas) {
  CaseReport one = examples::done("moe", true, examples::summary(true));
  sample_costs(one, {1, 1, 1, 1, 3, 3, 3, 3});
  EXPECT_EQ(readable_interval(one, kCost), "1.00 to 3.00 USD");
  EXPECT_EQ(short_interval(one, kCost), "1.00 to 3.00");
  made::set(one, Metric::kTtftP99, 0.9);
  CaseReport sample = one;
  for (std::size_t i = 0; i < one.samples.size(); ++i) {
    made::set(sample, Metric::kTtftP99, i % 2 ? 0.8 : 1.2);
    one.samples[i] = sample.metrics;
  }
  EXPECT_EQ(short_interval(one, Metric::kTtftP99), "800 ms to 1.20 s");
}

TEST(Interval, NeedsFiveSamples) {
  EXPECT_FALSE(interval_of({1, 2, 3, 4}, 2));
  EXPECT_TRUE(interval_of({1, 2, 3, 4, 5}, 2));
}

TEST(Interval, SkipsSamplesThatCouldNotRun) {
  CaseReport one = examples::done("moe", true, examples::summary(true));
  sample_costs(one, {1, 2, 3, 4, 5});
  one.samples.front().clear();
  EXPECT_FALSE(interval(one, kCost));
}

TEST(Contest, CountsTheSamplesInWhichTheOrderTurns) {
  Report report = examples::two_cases();
  CaseReport &a = report.cases[0], &b = report.cases[1];
  sample_costs(a, {1, 1, 1, 1, 1, 3, 3, 3, 3, 3});
  sample_costs(b, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  const Contest result = contest(a, b, kCost);
  EXPECT_EQ(result.samples, 10);
  EXPECT_EQ(result.turned, 5);
  EXPECT_TRUE(result.is_tie());
}

TEST(Contest, OneTurnInTenIsStillAnOrder) {
  Report report = examples::two_cases();
  sample_costs(report.cases[0], {1, 1, 1, 1, 1, 1, 1, 1, 1, 3});
  sample_costs(report.cases[1], {2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  EXPECT_FALSE(contest(report.cases[0], report.cases[1], kCost).is_tie());
}

TEST(Verdict, CallsATieWhatTurnsWithinTheUncertainty) {
  Report report = examples::two_cases();
  const std::string clear = verdict_text(report);
  EXPECT_EQ(clear.find("tie"), std::string::npos);
  sample_costs(report.cases[0], {1, 1, 1, 1, 1, 3, 3, 3, 3, 3});
  sample_costs(report.cases[1], {2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  EXPECT_NE(verdict_text(report).find("are a tie"), std::string::npos);
  EXPECT_NE(verdict_text(report).find("5 of 10 Monte Carlo samples"), std::string::npos);
}

// Ten samples of a case, of which so many miss the SLO that it meets as stated.
void miss(CaseReport& report, std::size_t missed) {
  made::set(report, Metric::kSloMet, 1);
  report.samples.assign(10, report.metrics);
  made::set(report, Metric::kSloMet, 0);
  for (std::size_t i = 0; i < missed; ++i) report.samples[i] = report.metrics;
  made::set(report, Metric::kSloMet, 1);
}

bool says(const Report& report, const std::string& part) {
  return verdict_text(report).find(part) != std::string::npos;
}

TEST(Verdict, NamesACaseThatMayMissItsServiceLevel) {
  Report report = examples::two_cases();
  const std::size_t first = ranking(report.cases).front();
  miss(report.cases[first], 0);
  EXPECT_FALSE(says(report, "service level in"));
  miss(report.cases[first], 1);
  EXPECT_TRUE(says(report, "meets its service level in 9 of 10 samples"));
  EXPECT_EQ(ranking(report.cases).front(), first);
}

TEST(Verdict, RecommendsNoCaseThatMissesItInMoreSamplesThanAllowed) {
  Report report = examples::two_cases();
  const std::size_t first = ranking(report.cases).front();
  miss(report.cases[first], 2);
  EXPECT_EQ(disqualification(report.cases[first]), Disqualification::kUnsafe);
  EXPECT_NE(ranking(report.cases).front(), first);
  EXPECT_TRUE(
      says(report,
           "is not sure to keep its service level: it does in 8 of 10 samples, and 90 % are "
           "asked for"));
  report.cases[first].confidence = 0.8;
  EXPECT_EQ(ranking(report.cases).front(), first);
}

TEST(Verdict, NamesTheSafestOfManyThatAreNotSafe) {
  Report report = examples::two_cases();
  const CaseReport one = report.cases[ranking(report.cases).front()];
  report.cases.assign(5, one);
  for (std::size_t i = 0; i < 5; ++i) {
    report.cases[i].name = "case " + std::to_string(i);
    miss(report.cases[i], 8 - i);
  }
  EXPECT_TRUE(says(report, "No case can be recommended: 5 of 5 rows are not sure to keep its"))
      << verdict_text(report);
  EXPECT_TRUE(says(report, "the safest is case 4, which keeps its service level in 6 of 10"))
      << verdict_text(report);
}

TEST(Verdict, SaysThatARunWasInterrupted) {
  Report report = examples::two_cases();
  EXPECT_FALSE(says(report, "interrupted"));
  report.interrupted = true;
  EXPECT_TRUE(says(report, "The run was interrupted: what had not run by then is missing"));
}

TEST(RestsOn, PricesEnterCostsAndPowerEntersEnergyOnly) {
  CaseReport one;
  one.facts = {{"devices/d: memory_bandwidth", "1 TB/s", "s", "data-sheet", Enters::kTime},
               {"devices/d: rent", "2 USD/h", "s", "indicative", Enters::kMoney},
               {"families/f: power_busy", "0.4", "s", "calibrated", Enters::kEnergy},
               {"families/f: launch", "2 us", "s", "calibrated", Enters::kTime}};
  const auto count = [&](Metric key) {
    int sum = 0;
    for (const auto& [confidence, number] : rests_on(one, key)) sum += number;
    return sum;
  };
  EXPECT_EQ(count(Metric::kTpotP50), 2);
  EXPECT_EQ(count(Metric::kEnergyPerOutputToken), 3);
  EXPECT_EQ(count(kCost), 4);
}

}  // namespace
}  // namespace moesim
