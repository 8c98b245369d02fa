// Scores by hand.
#include <gtest/gtest.h>

#include "scenarios/validate/scores/scores.h"

namespace moesim {
namespace {

Measurement row(const std::string& series, double published, double predicted) {
  Measurement m;
  m.id = "x";
  m.metric = "tpot_s";
  m.series = series;
  m.value = published;
  m.predicted = predicted;
  return m;
}

ErrorScore only_score(const std::vector<Measurement>& rows) {
  const auto scores = score(rows);
  EXPECT_EQ(scores.size(), 1u);
  return scores.at(0).all;
}

TEST(Scores, MedianP90AndBiasAreThoseOfTheErrors) {
  std::vector<Measurement> rows;
  for (int i = 1; i <= 10; ++i) rows.push_back(row("s", 100, 100 + i * (i % 2 == 0 ? 1 : -1)));
  const ErrorScore errors = only_score(rows);  // -1, 2, -3, 4, ..., 10 %.
  EXPECT_EQ(errors.rows, 10);
  EXPECT_NEAR(errors.median, 0.055, 1e-12);
  EXPECT_NEAR(errors.p90, 0.091, 1e-12);  // A tenth of the way from 9 to 10 %.
  EXPECT_NEAR(errors.bias, 0.005, 1e-12);
}

TEST(Scores, ALongSeriesWeighsAsMuchAsAShortOne) {
  std::vector<Measurement> rows(5, row("long", 100, 110));
  rows.push_back(row("short", 100, 130));
  rows.push_back(row("other", 100, 150));
  const ErrorScore errors = only_score(rows);
  EXPECT_NEAR(errors.median, 0.10, 1e-12);
  EXPECT_NEAR(errors.by_series, 0.30, 1e-12);
}

TEST(Scores, SuspectAndSkippedRowsDoNotCount) {
  std::vector<Measurement> rows = {row("s", 100, 110), row("s", 100, 900), row("s", 100, 900)};
  rows[1].left_out = true;
  rows[2].skipped = "isl not stated";
  const MetricScore metric = score(rows).at(0);
  EXPECT_EQ(metric.all.rows, 1);
  EXPECT_EQ(metric.left_out, 1);
  EXPECT_EQ(metric.skipped.at("isl not stated"), 1);
}

TEST(Scores, MoeAndDenseAndEveryHardwareStandApart) {
  std::vector<Measurement> rows = {row("s", 100, 110), row("t", 100, 140)};
  rows[0].is_moe = true;
  rows[1].is_moe = false;
  rows[0].hardware = "h100";
  rows[1].hardware = "b200";
  const MetricScore metric = score(rows).at(0);
  EXPECT_NEAR(metric.by_kind_of_model.at("MoE").median, 0.1, 1e-12);
  EXPECT_NEAR(metric.by_kind_of_model.at("dense").median, 0.4, 1e-12);
  EXPECT_NEAR(metric.by_hardware.at("b200").median, 0.4, 1e-12);
}

TEST(Scores, FitsAreRightOrWrong) {
  std::vector<Measurement> rows = {row("s", 1, 1), row("s", 0, 1), row("s", 0, 0)};
  for (Measurement& m : rows) m.score = ScoreKind::kRightOrWrong;
  const ErrorScore errors = only_score(rows);
  EXPECT_EQ(errors.rows, 3);
  EXPECT_EQ(errors.right, 2);
}

TEST(Kendall, IsOneInOrderAndMinusOneAgainstIt) {
  const std::vector<double> up = {1, 2, 3}, down = {3, 2, 1}, mixed = {1, 3, 2};
  EXPECT_DOUBLE_EQ(*kendall_tau(up, up), 1);
  EXPECT_DOUBLE_EQ(*kendall_tau(up, down), -1);
  EXPECT_NEAR(*kendall_tau(up, mixed), 1.0 / 3, 1e-12);  // Two pairs right, one wrong.
}

TEST(Kendall, TiesInThePredictionAreNeitherAndTiesInTheTruthAreNoPairs) {
  const std::vector<double> up = {1, 2, 3}, flat = {5, 5, 5};
  EXPECT_DOUBLE_EQ(*kendall_tau(up, flat), 0);
  EXPECT_FALSE(kendall_tau(flat, up));
}

TEST(Scores, TheBetterOfTwoLayoutsIsCountedWhereTheyDifferByMoreThanThreePercent) {
  std::vector<Measurement> rows = {row("tp1", 100, 90), row("tp2", 120, 80), row("tp4", 101, 70)};
  for (Measurement& m : rows) m.load = "same";
  const MetricScore metric = score(rows).at(0);
  EXPECT_EQ(metric.pairs, 2);        // 100 and 101 tie.
  EXPECT_EQ(metric.right_pairs, 1);  // tp4 before tp2; tp1 before tp2 is told the wrong way.
}

TEST(Scores, TheWorstSeriesComesFirstAndSingleRowsAreNoSeries) {
  const std::vector<Measurement> rows = {row("a", 100, 110), row("a", 100, 110), row("b", 100, 150),
                                         row("b", 100, 150), row("c", 100, 900)};
  const auto worst = worst_series(rows, 10);
  ASSERT_EQ(worst.size(), 2u);
  EXPECT_EQ(worst[0].series, "b");
}

}  // namespace
}  // namespace moesim
