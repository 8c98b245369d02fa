#include "reports/analysis/quality_order.h"

#include <gtest/gtest.h>

#include "reports/render/words/pareto_words.h"
#include "reports/render/words/verdict_words.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A case of this cost whose loss lies inside the law, 0.02 nat on either side.
CaseReport priced(const std::string& name, double cost, double loss, double tokens = 1e9) {
  CaseReport one = made::report(name, true,
                                {{Metric::kCostPerMillionOutputTokens, cost},
                                 {Metric::kTrainingTokens, tokens},
                                 {Metric::kPredictedLoss, loss},
                                 {Metric::kPredictedLossLow, loss - 0.02},
                                 {Metric::kPredictedLossHigh, loss + 0.02}});
  one.model = name;
  return one;
}

std::string verdict_of(std::vector<CaseReport> cases) {
  Report report;
  report.cases = std::move(cases);
  return verdict_text(report);
}

TEST(QualityOrder, IsDecidedWhereTheIntervalsAreApart) {
  EXPECT_EQ(quality_order(priced("a", 1, 2.0), priced("b", 2, 2.1)), QualityOrder::kFirst);
  EXPECT_EQ(quality_order(priced("a", 1, 2.1), priced("b", 2, 2.0)), QualityOrder::kSecond);
  EXPECT_EQ(quality_order(priced("a", 1, 2.0), priced("b", 2, 2.03)), QualityOrder::kUndecided);
  EXPECT_EQ(quality_order(priced("a", 1, 2.0), priced("b", 2, 2.001)), QualityOrder::kEqual);
}

// Published tokens and a guess: nothing to compare, unless the guess is the same number.
TEST(QualityOrder, NeedsLikeTrainingTokens) {
  const CaseReport known = priced("a", 1, 2.0);
  CaseReport guessed = priced("b", 2, 2.1, 2e9);
  guessed.quality.tokens_assumed = true;
  EXPECT_EQ(quality_order(known, guessed), QualityOrder::kUnlike);
  made::set(guessed, Metric::kTrainingTokens, 1e9);
  EXPECT_EQ(quality_order(known, guessed), QualityOrder::kFirst);
}

TEST(Verdict, OfACheaperCaseSaysThatTheOtherAnswersBetter) {
  const std::string text = verdict_of({priced("moe", 1, 2.1), priced("dense", 2, 2.0)});
  EXPECT_TRUE(text.starts_with("moe costs 1.00 USD")) << text;
  EXPECT_TRUE(contains(text,
                       "; dense is predicted to answer better than moe: loss 2.00 nat (1.98 to "
                       "2.02) against 2.10 nat (2.08 to 2.12)."))
      << text;
}

TEST(Verdict, SaysWhereTheLawCannotTellOrFindsThemEqual) {
  EXPECT_TRUE(contains(verdict_of({priced("moe", 1, 2.03), priced("dense", 2, 2.0)}),
                       "; the scaling law cannot tell which answers better: loss 2.03 nat"));
  EXPECT_TRUE(contains(verdict_of({priced("moe", 1, 2.0), priced("dense", 2, 2.0)}),
                       "; their predicted quality is equal: loss 2.00 nat"));
}

TEST(Verdict, SaysThatQualityIsLeftOutWhereOneHasNone) {
  CaseReport unknown = made::report("moe", true, {{Metric::kCostPerMillionOutputTokens, 1}});
  unknown.model = "moe";
  EXPECT_TRUE(contains(verdict_of({unknown, priced("dense", 2, 2.0)}),
                       "; quality is left out: moe has no predicted loss"));
}

TEST(Verdict, SaysThatALossIsExtrapolated) {
  std::vector<CaseReport> cases = {priced("moe", 1, 2.1), priced("dense", 2, 2.0)};
  for (CaseReport& one : cases) {
    const double loss = predicted_loss(one)->loss;
    made::set(one, Metric::kPredictedLoss, std::nullopt);
    made::set(one, Metric::kPredictedLossExtrapolated, loss);
  }
  const std::string text = verdict_of(cases);
  EXPECT_TRUE(contains(text, "extrapolated beyond the scaling law's experiments")) << text;
}

// One model on two machines answers alike: no word of it, in the verdict or of the front.
TEST(Verdict, IsSilentOnQualityOfOneModel) {
  CaseReport here = priced("here", 1, 2.0), there = priced("there", 2, 2.0);
  here.model = there.model = "m";
  EXPECT_FALSE(contains(verdict_of({here, there}), "loss"));
  EXPECT_FALSE(contains(pareto_sentence({here, there}), "loss"));
  EXPECT_EQ(pareto_sentence({here, here}), "");  // Nothing differs at all.
  EXPECT_TRUE(contains(pareto_sentence({here, priced("other", 2, 1.9)}), "loss"));
}

// The rival is the cheapest of another name; neither it nor the winner answers best.
TEST(Verdict, NamesWhoWouldAnswerBestAndWhatThatCosts) {
  const std::string text =
      verdict_of({priced("a", 1, 2.1), priced("b", 2, 2.1), priced("c", 3, 1.9)});
  EXPECT_TRUE(
      contains(text,
               "; their predicted quality is equal: loss 2.10 nat each; c is predicted to "
               "answer better, loss 1.90 nat (1.88 to 1.92), and costs 3.00 USD per million "
               "output tokens."))
      << text;
  // What the law cannot tell of the two gives way to what it can of the third.
  EXPECT_TRUE(contains(verdict_of({priced("a", 1, 2.1), priced("b", 2, 2.08), priced("c", 3, 1.9)}),
                       "in less time; c is predicted to answer better than a: loss 1.90 nat"));
}

}  // namespace
}  // namespace moesim
