#include "models/quality/scaling_laws.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/config/catalog.h"
#include "models/quality/training_tokens.h"

namespace moesim {
namespace {

constexpr double kC = 1.3637;

// Table 4 of arXiv:2502.05172v2: the law at E experts is m N^mu + n D^nu + c. With N = 1 and
// endless tokens only m is left over c; the exponent follows from two sizes.
struct Row {
  double experts, m, mu, n, nu;
};
const Row kTable4[] = {
    {1, 30.3640, -0.1817, 53.9838, -0.1965},   {2, 27.7982, -0.1780, 66.8401, -0.2065},
    {4, 24.8462, -0.1731, 87.7022, -0.2192},   {8, 21.8330, -0.1676, 119.9126, -0.2338},
    {16, 19.0159, -0.1617, 167.5073, -0.2494}, {32, 16.5424, -0.1557, 234.6726, -0.2652},
};

TEST(JointLaw, IsThePublishedChinchillaLawAtEveryPublishedExpertCount) {
  const double endless = 1e300;
  for (const Row& row : kTable4) {
    const double m = joint_loss(1, endless, row.experts) - kC;
    const double n = joint_loss(endless, 1, row.experts) - kC;
    EXPECT_NEAR(m / row.m, 1, 0.005) << row.experts;
    EXPECT_NEAR(n / row.n, 1, 0.005) << row.experts;
    EXPECT_NEAR(std::log10((joint_loss(10, endless, row.experts) - kC) / m), row.mu, 2e-4);
    EXPECT_NEAR(std::log10((joint_loss(endless, 10, row.experts) - kC) / n), row.nu, 2e-4);
  }
}

// Table 1 of the paper: at the compute-optimal sizes, trading parameters for tokens at the same
// product gains nothing either way.
TEST(JointLaw, IsLeastAtThePublishedComputeOptima) {
  const double optima[][3] = {{1, 1.7e9, 9.7e9}, {8, 990e6, 17e9}, {32, 2.85e9, 58.4e9}};
  for (const auto& [experts, active, tokens] : optima) {
    const double best = joint_loss(active, tokens, experts);
    EXPECT_LT(best, joint_loss(active * 1.3, tokens / 1.3, experts));
    EXPECT_LT(best, joint_loss(active / 1.3, tokens * 1.3, experts));
  }
}

TEST(JointLaw, CountsOneExpertAsItsStart) {
  EXPECT_NEAR(effective_experts(1), 2.0732, 1e-9);
  EXPECT_LT(effective_experts(1e9), 290.4521);
}

TEST(JointLaw, GainsFromParametersTokensAndExperts) {
  const double here = joint_loss(1e9, 20e9, 4);
  EXPECT_LT(joint_loss(2e9, 20e9, 4), here);
  EXPECT_LT(joint_loss(1e9, 40e9, 4), here);
  EXPECT_LT(joint_loss(1e9, 20e9, 8), here);
  EXPECT_GT(here, kC);
}

// The loss of a dense model leads back to its own size.
TEST(EqualQuality, OfADenseModelIsItsOwnSize) {
  const auto params = equal_quality_dense_params(joint_loss(7e9, 2e12, 1), 2e12);
  ASSERT_TRUE(params.has_value());
  EXPECT_NEAR(*params / 7e9, 1, 1e-9);
}

TEST(EqualQuality, OfAnMoeLiesAboveItsActiveParameters) {
  const auto params = equal_quality_dense_params(joint_loss(1e9, 20e9, 8), 20e9);
  ASSERT_TRUE(params.has_value());
  EXPECT_GT(*params, 1e9);
}

TEST(EqualQuality, IsNoneBelowWhatTheTokensAllow) {
  EXPECT_FALSE(equal_quality_dense_params(kC, 1e9).has_value());
}

// Table 2 of arXiv:2402.07871; 64 x 1B are d^2 (8 64 + 4) n = 43 B parameters, since 1 B = 12 d^2
// n.
TEST(FineGrainedLaw, GivesThePublishedLosses) {
  EXPECT_NEAR(fine_grained_loss(43e9, 28.94e9, 16), 2.491, 0.025);
  EXPECT_NEAR(fine_grained_loss(43 * 7e9, 137.6e9, 32), 2.076, 0.025);
}

TEST(FineGrainedLaw, GainsNothingAtOneWholeExpert) {
  EXPECT_DOUBLE_EQ(granularity_gain(1e9, 1), 0);
  EXPECT_NEAR(granularity_gain(43e9, 16),
              fine_grained_loss(43e9, 1e9, 1) - fine_grained_loss(43e9, 1e9, 16), 1e-12);
}

// Mixtral: two of eight experts, so four times the parameters, and two that make one.
TEST(LawShape, OfMixtralIsTwoOfEight) {
  const LawShape shape = law_shape(load_model("mixtral-8x7b"));
  EXPECT_DOUBLE_EQ(shape.experts, 4);
  EXPECT_DOUBLE_EQ(shape.granularity, 2);
  EXPECT_NEAR(shape.active / 12.9e9, 1, 0.01);
}

TEST(LawShape, OfADenseModelHasOneExpert) {
  const LawShape shape = law_shape(load_model("llama-2-7b"));
  EXPECT_DOUBLE_EQ(shape.experts, 1);
  EXPECT_DOUBLE_EQ(shape.granularity, 1);
}

TEST(LossEstimate, InsideTheExperimentsHasTheAuthorsErrorAlone) {
  const LossEstimate estimate = estimate_loss({1e9, 3e9, 4, 1}, 20e9);
  EXPECT_TRUE(estimate.inside());
  EXPECT_DOUBLE_EQ(estimate.excess, 1);
  EXPECT_NEAR(estimate.high - estimate.loss, 0.018, 1e-12);
  EXPECT_NEAR(estimate.loss - estimate.low, 0.018, 1e-12);
}

TEST(LossEstimate, SaysWhatIsOutsideAndByHowMuch) {
  const LossEstimate estimate = estimate_loss({27e9, 27e9, 1, 1}, 270e9);
  ASSERT_EQ(estimate.outside.size(), 2u);
  EXPECT_EQ(estimate.outside[0], "27 B active parameters against at most 2.7 B");
  EXPECT_EQ(estimate.outside[1], "270 B training tokens against at most 80 B");
  EXPECT_DOUBLE_EQ(estimate.excess, 10);
}

TEST(LossEstimate, WidensBeyondTheExperiments) {
  double width = 0;
  for (const double active : {2.7e9, 27e9, 270e9}) {
    const LossEstimate estimate = estimate_loss({active, active, 1, 1}, 80e9);
    EXPECT_GT(estimate.high - estimate.low, width);
    width = estimate.high - estimate.low;
  }
}

TEST(LossEstimate, LeavesRoomBelowForFinerExperts) {
  const LossEstimate whole = estimate_loss({1e9, 8e9, 8, 1}, 20e9);
  const LossEstimate fine = estimate_loss({1e9, 8e9, 8, 8}, 20e9);
  EXPECT_DOUBLE_EQ(fine.high, whole.high);
  EXPECT_NEAR(whole.low - fine.low, granularity_gain(8e9, 8), 1e-12);
  EXPECT_EQ(fine.outside.front(), "a granularity of 8 against 1");
}

TEST(TrainingTokens, AreThePublishedOnesWhereThereAreAny) {
  const TrainingTokens known = training_tokens_of(load_model("deepseek-v3"));
  EXPECT_DOUBLE_EQ(known.tokens, 14.8e12);
  EXPECT_FALSE(known.assumed());
}

TEST(TrainingTokens, AreElseTwentyPerActiveParameterAndSaySo) {
  const ModelSpec mixtral = load_model("mixtral-8x7b");
  const TrainingTokens assumed = training_tokens_of(mixtral);
  EXPECT_TRUE(assumed.assumed());
  EXPECT_DOUBLE_EQ(assumed.tokens, 20.0 * static_cast<double>(count_parameters(mixtral).active));
}

}  // namespace
}  // namespace moesim
