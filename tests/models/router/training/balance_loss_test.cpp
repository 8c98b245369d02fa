#include "models/router/training/balance_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "models/router/training/gate_gradient.h"

namespace moesim {
namespace {

using Floats = std::vector<float>;
using Ids = std::vector<std::uint16_t>;
using Loss = std::function<double(const Floats&)>;

constexpr std::int64_t kExperts = 8;
constexpr std::int64_t kTopK = 2;
constexpr std::size_t kTokens = 6;

// Logits on a grid of 1/256, so that the steps of a difference are exact in floats.
Floats random_logits(std::string_view name) {
  RandomStream random(1, name);
  Floats logits(kTokens * static_cast<std::size_t>(kExperts));
  for (float& z : logits) z = static_cast<float>(random.below(1024)) / 256 - 2;
  return logits;
}

MoeSpec moe_of(ScoreFunction score, bool renormalise = true) {
  MoeSpec moe;
  moe.num_experts = kExperts;
  moe.top_k = kTopK;
  moe.router.score = score;
  moe.router.renormalise = renormalise;
  return moe;
}

// Scores in double precision from their definitions, rounded once.
Floats scores_of(ScoreFunction function, const Floats& logits) {
  Floats scores(logits.size());
  for (std::size_t row = 0; row < logits.size(); row += kExperts) {
    double sum = 0;
    for (std::size_t i = row; i < row + kExperts; ++i) sum += std::exp(double{logits[i]});
    for (std::size_t i = row; i < row + kExperts; ++i) {
      const double e = std::exp(double{logits[i]});
      double score = e / sum;
      if (function == ScoreFunction::kSigmoid) score = e / (1 + e);
      if (function == ScoreFunction::kSqrtSoftplus) score = std::sqrt(std::log1p(e));
      scores[i] = static_cast<float>(score);
    }
  }
  return scores;
}

Ids chosen_of(const Floats& logits) {
  Ids ids(kTokens * kTopK);
  route_ranked(moe_of(ScoreFunction::kSoftmax), logits, {}, ids);
  return ids;
}

// dL/dz by five-point differences: the error is of the fourth order in the step.
Floats differences(const Loss& loss, const Floats& logits, float step = 0.125F) {
  Floats slopes(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto at = [&](float steps) {
      Floats moved = logits;
      moved[i] += steps * step;
      return loss(moved);
    };
    slopes[i] = static_cast<float>((at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * double{step}));
  }
  return slopes;
}

void expect_gradient(const Floats& gradient, const Floats& expected) {
  float largest = 0;
  for (const float slope : expected) largest = std::max(largest, std::abs(slope));
  ASSERT_GT(largest, 1e-4F);  // A loss without slope would prove nothing.
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(gradient[i], expected[i], 5e-4F * largest) << "entry " << i;
  }
}

void expect_share_gradient(ScoreFunction function, const Prices& prices) {
  const Floats logits = random_logits("share loss");
  Floats gradient(logits.size(), 0.0F);
  const Floats scores = scores_of(function, logits);
  add_share_loss({function, kExperts, scores}, prices, gradient);
  const Loss loss = [&](const Floats& moved) {
    const Floats at = scores_of(function, moved);
    Floats ignored(moved.size());
    return add_share_loss({function, kExperts, at}, prices, ignored);
  };
  expect_gradient(gradient, differences(loss, logits));
}

RoutedCounts random_counts() {
  return routed_counts(chosen_of(random_logits("share loss")), kTopK, kExperts);
}

// Value of a loss of shares for probabilities written out.
double share_value(const Floats& shares, std::int64_t experts, const Prices& prices) {
  Floats ignored(shares.size());
  return add_share_loss({ScoreFunction::kSoftmax, experts, shares}, prices, ignored);
}

TEST(SwitchLoss, IsItsWeightAtBalance) {
  const Floats even(4 * 4, 0.25F);
  const RoutedCounts counts = routed_counts(Ids{0, 1, 2, 3, 0, 1, 2, 3}, 2, 4);
  EXPECT_NEAR(share_value(even, 4, switch_prices(counts, 0.01)), 0.01, 1e-9);
}

TEST(SwitchLoss, CountsTheSharesOfBusyExperts) {
  // Both tokens choose expert 0: f = (1, 0), P = (3/4, 1/4), E sum f P = 2 * 3/4.
  const RoutedCounts counts = routed_counts(Ids{0, 0}, 1, 2);
  EXPECT_NEAR(share_value({0.75F, 0.25F, 0.75F, 0.25F}, 2, switch_prices(counts, 1)), 1.5, 1e-6);
}

TEST(SwitchLoss, IsLeastWhereSharesAreEven) {
  // Counts that follow the shares: E sum P_i^2 >= 1, with equality only for even shares.
  for (const float share : {0.5F, 0.6F, 0.75F, 0.9F, 1.0F}) {
    RoutedCounts counts{100, 1, {100.0 * double{share}, 100 - 100.0 * double{share}}, {0, 0}};
    const double value = share_value({share, 1 - share}, 2, switch_prices(counts, 1));
    const double p = double{share};
    EXPECT_NEAR(value, 2 * (p * p + (1 - p) * (1 - p)), 1e-6);
    EXPECT_GE(value, 1 - 1e-9);
  }
}

TEST(SwitchLoss, GradientOfSoftmaxSharesIsExact) {
  expect_share_gradient(ScoreFunction::kSoftmax, switch_prices(random_counts(), 1));
}

TEST(SwitchLoss, GradientOfNormalisedSigmoidsIsExact) {
  expect_share_gradient(ScoreFunction::kSigmoid, switch_prices(random_counts(), 1));
}

TEST(SwitchLoss, GradientOfNormalisedRootSoftplusIsExact) {
  expect_share_gradient(ScoreFunction::kSqrtSoftplus, switch_prices(random_counts(), 1));
}

TEST(SwitchLoss, PushesBusyExpertsDownAndIdleOnesUp) {
  const Floats even(2 * 2, 0.5F);
  Floats gradient(even.size(), 0.0F);
  add_share_loss({ScoreFunction::kSoftmax, 2, even},
                 switch_prices(routed_counts(Ids{0, 0}, 1, 2), 1), gradient);
  // (alpha E / T) p_j (f_j - sum f p) = 2 / 2 * 1/2 * (+-1/2).
  EXPECT_EQ(gradient, (Floats{0.25F, -0.25F, 0.25F, -0.25F}));
}

TEST(SwitchLoss, IsTheExpertLossOfDeepSeekV2) {
  // alpha_1 sum_i f_i P_i with f_i = E n_i / (k T).
  const RoutedCounts counts = random_counts();
  const Floats shares = scores_of(ScoreFunction::kSoftmax, random_logits("share loss"));
  double expected = 0;
  for (std::size_t i = 0; i < kExperts; ++i) {
    double mean_share = 0;
    for (std::size_t t = 0; t < kTokens; ++t) mean_share += double{shares[t * kExperts + i]};
    expected += 0.003 * (kExperts * counts.chosen[i] / (kTopK * kTokens)) * mean_share / kTokens;
  }
  EXPECT_NEAR(share_value(shares, kExperts, switch_prices(counts, 0.003)), expected, 1e-8);
}

TEST(SequenceLoss, SeesWhatABatchHides) {
  // Each sequence of two tokens leans on one expert; together they are balanced.
  const Floats shares = {0.75F, 0.25F, 0.75F, 0.25F, 0.25F, 0.75F, 0.25F, 0.75F};
  const Ids ids = {0, 0, 1, 1};
  Floats gradient(shares.size(), 0.0F);
  EXPECT_NEAR(share_value(shares, 2, switch_prices(routed_counts(ids, 1, 2), 1)), 1, 1e-6);
  EXPECT_NEAR(add_sequence_loss({ScoreFunction::kSoftmax, 2, shares}, {ids, 1, 2}, 1, gradient),
              1.5, 1e-6);
}

TEST(SequenceLoss, IsTheBatchLossOfOneLongSequence) {
  const Floats logits = random_logits("share loss");
  const Floats scores = scores_of(ScoreFunction::kSigmoid, logits);
  const GateScores batch{ScoreFunction::kSigmoid, kExperts, scores};
  Floats by_sequence(logits.size(), 0.0F);
  Floats by_batch(logits.size(), 0.0F);
  const double sequence = add_sequence_loss(batch, {chosen_of(logits), kTopK, 100}, 1, by_sequence);
  EXPECT_EQ(sequence, add_share_loss(batch, switch_prices(random_counts(), 1), by_batch));
  EXPECT_EQ(by_sequence, by_batch);
}

TEST(SequenceLoss, GradientIsExactWithAShortLastSequence) {
  const Floats logits = random_logits("share loss");
  const Ids ids = chosen_of(logits);
  const auto loss = [&](const Floats& at, Floats& gradient) {
    const Floats scores = scores_of(ScoreFunction::kSoftmax, at);
    return add_sequence_loss({ScoreFunction::kSoftmax, kExperts, scores}, {ids, kTopK, 4}, 1,
                             gradient);
  };
  Floats gradient(logits.size(), 0.0F);
  loss(logits, gradient);
  const Loss value = [&](const Floats& at) {
    Floats ignored(at.size());
    return loss(at, ignored);
  };
  expect_gradient(gradient, differences(value, logits));
}

TEST(GshardLoss, CountsFirstChoicesOnly) {
  // c = (2, 0): L = (1 / E) (c_0 / T) m_0 = 1/2 * 1 * 1/2. Second choices go all to expert 1.
  const RoutedCounts counts = routed_counts(Ids{0, 1, 0, 1}, 2, 2);
  EXPECT_NEAR(share_value({0.5F, 0.5F, 0.5F, 0.5F}, 2, gshard_prices(counts, 1)), 0.25, 1e-7);
}

TEST(GshardLoss, IsItsWeightOverExpertsSquaredAtBalance) {
  const RoutedCounts counts = routed_counts(Ids{0, 1, 2, 3}, 1, 4);
  EXPECT_NEAR(share_value(Floats(16, 0.25F), 4, gshard_prices(counts, 1)), 1.0 / 16, 1e-7);
}

TEST(GshardLoss, GradientIsExact) {
  expect_share_gradient(ScoreFunction::kSoftmax, gshard_prices(random_counts(), 8));
}

TEST(DeviceLoss, LeavesImbalanceWithinADeviceAlone) {
  // Experts 0 and 2 take everything, one on each of two devices.
  const RoutedCounts counts = routed_counts(Ids{0, 2, 0, 2}, 2, 4);
  const Floats shares = {0.5F, 0.0F, 0.5F, 0.0F, 0.5F, 0.0F, 0.5F, 0.0F};
  Floats gradient(shares.size(), 0.0F);
  const GateScores batch{ScoreFunction::kSoftmax, 4, shares};
  EXPECT_NEAR(add_share_loss(batch, device_prices(counts, 2, 1), gradient), 1, 1e-6);
  EXPECT_EQ(gradient, Floats(shares.size(), 0.0F));
  EXPECT_GT(share_value(shares, 4, switch_prices(counts, 1)), 1.9);
}

TEST(DeviceLoss, GradientIsExact) {
  expect_share_gradient(ScoreFunction::kSoftmax, device_prices(random_counts(), 4, 1));
}

TEST(DeviceLoss, WithOneDevicePerExpertIsSwitch) {
  EXPECT_EQ(device_prices(random_counts(), kExperts, 1), switch_prices(random_counts(), 1));
}

TEST(CommunicationLoss, CountsATokenOncePerDevice) {
  // Token 0 stays on device 0, token 1 reaches both.
  EXPECT_EQ(device_tokens(Ids{0, 1, 1, 2}, 2, 4, 2), (std::vector<double>{2, 1}));
}

TEST(CommunicationLoss, IsItsWeightWhenEveryTokenReachesItsLimit) {
  const Ids ids = {0, 2, 1, 3};
  const RoutedCounts counts = routed_counts(ids, 2, 4);
  const Prices prices = communication_prices(device_tokens(ids, 2, 4, 2), counts, 2, 0.02);
  EXPECT_NEAR(share_value(Floats(8, 0.25F), 4, prices), 0.02, 1e-9);
}

TEST(CommunicationLoss, GradientIsExact) {
  const Ids ids = chosen_of(random_logits("share loss"));
  expect_share_gradient(
      ScoreFunction::kSoftmax,
      communication_prices(device_tokens(ids, kTopK, kExperts, 2), random_counts(), 2, 1));
}

TEST(ZLoss, SquaresTheLogOfTheSum) {
  // z = 0 for 8 experts: lse = ln 8, gradient 2 beta ln 8 / 8 for the only token.
  const Floats logits(8, 0.0F);
  const Floats even(8, 0.125F);
  Floats gradient(8, 0.0F);
  const double value = add_z_loss(logits, {ScoreFunction::kSoftmax, 8, even}, 1e-3, gradient);
  EXPECT_NEAR(value, 1e-3 * std::log(8) * std::log(8), 1e-9);
  EXPECT_NEAR(gradient[5], 2e-3 * std::log(8) / 8, 1e-8);
}

TEST(ZLoss, GradientIsExact) {
  const Floats logits = random_logits("share loss");
  const auto loss = [](const Floats& at, Floats& gradient) {
    const Floats shares = scores_of(ScoreFunction::kSoftmax, at);
    return add_z_loss(at, {ScoreFunction::kSoftmax, kExperts, shares}, 1, gradient);
  };
  Floats gradient(logits.size(), 0.0F);
  loss(logits, gradient);
  const Loss value = [&](const Floats& at) {
    Floats ignored(at.size());
    return loss(at, ignored);
  };
  expect_gradient(gradient, differences(value, logits));
}

TEST(SquaredVariation, IsVarianceOverSquaredMean) {
  // Loads 1 and 3: mean 2, variance 1.
  std::vector<double> slope(2);
  EXPECT_NEAR(squared_variation(std::vector<double>{1, 3}, 0.1, slope), 0.1 * 0.25, 1e-12);
  EXPECT_NEAR(squared_variation(std::vector<double>{5, 5}, 0.1, slope), 0, 1e-12);
  EXPECT_NEAR(slope[0], 0, 1e-12);
}

TEST(SquaredVariation, OfNothingIsZero) {
  std::vector<double> slope(3, 7);
  EXPECT_EQ(squared_variation(std::vector<double>{0, 0, 0}, 1, slope), 0);
  EXPECT_EQ(slope, (std::vector<double>{0, 0, 0}));
}

TEST(ImportanceLoss, GradientIsExactThroughRenormalisedWeights) {
  const Floats logits = random_logits("importance");
  const Ids ids = chosen_of(logits);
  const RouterSpec router = moe_of(ScoreFunction::kSoftmax).router;
  const auto weights_at = [&](const Floats& at) {
    Floats weights(ids.size());
    const Floats scores = scores_of(router.score, at);
    combine_weights(router, {router.score, kExperts, scores}, ids, weights);
    return weights;
  };
  const Floats weights = weights_at(logits);
  Floats weight_gradient(ids.size(), 0.0F);
  add_importance_loss({ids, weights}, kExperts, 1, weight_gradient);
  Floats gradient(logits.size(), 0.0F);
  const Floats scores = scores_of(router.score, logits);
  add_weight_gradient(router, {router.score, kExperts, scores}, {ids, weights}, weight_gradient,
                      gradient);
  const Loss value = [&](const Floats& at) {
    Floats ignored(ids.size());
    const Floats moved = weights_at(at);
    return add_importance_loss({ids, moved}, kExperts, 1, ignored);
  };
  expect_gradient(gradient, differences(value, logits));
}

TEST(LoadLoss, AsksForTheChanceToBeChosenAgain) {
  // z = 0, s = 1, h = noise = (2, 1, -1), top-1. The chosen must stay above 1: Phi(0 - 1); the
  // others had to rise above 2: Phi(0 - 2) each.
  const Floats clean = {0, 0, 0}, noise = {2, 1, -1}, scale = {1, 1, 1};
  const Ids ids = {0};
  Floats to_clean(3, 0.0F), to_scale(3, 0.0F);
  const double value =
      add_load_loss({3, 1, clean, noise, scale, noise, ids}, 1, {to_clean, to_scale});
  const double likely = 0.1586553, unlikely = 0.0227501, mean = (likely + 2 * unlikely) / 3;
  const double variance = (likely * likely + 2 * unlikely * unlikely) / 3 - mean * mean;
  EXPECT_NEAR(value, variance / (mean * mean), 1e-5);
}

// Noise that keeps the order of experts well apart, so that differences stay within one choice.
struct NoisyCase {
  Floats clean, scale, noise;
  Ids ids;

  NoisyCase() : clean(kTokens * kExperts), scale(clean.size()), noise(clean.size()) {
    RandomStream random(3, "load loss");
    for (std::size_t i = 0; i < clean.size(); ++i) {
      clean[i] = static_cast<float>((i * 5 + i / kExperts) % kExperts) / 2;
      scale[i] = 1 + static_cast<float>(random.below(64)) / 64;
      noise[i] = static_cast<float>(random.below(32)) / 256 - 0.0625F;
    }
    ids = chosen_of(noisy(clean, scale));
  }

  Floats noisy(const Floats& at, const Floats& with) const {
    Floats result = at;
    for (std::size_t i = 0; i < at.size(); ++i) result[i] += noise[i] * with[i];
    return result;
  }

  double loss(const Floats& at, const Floats& with, const NoisyGradient& gradient) const {
    const Floats h = noisy(at, with);
    return add_load_loss({kExperts, kTopK, at, h, with, noise, ids}, 1, gradient);
  }
};

TEST(LoadLoss, GradientIsExactForLogitsAndNoiseScales) {
  const NoisyCase at;
  Floats to_clean(at.clean.size(), 0.0F), to_scale(at.clean.size(), 0.0F);
  at.loss(at.clean, at.scale, {to_clean, to_scale});
  const auto value = [&](const Floats& clean, const Floats& scale) {
    Floats one(clean.size()), other(clean.size());
    return at.loss(clean, scale, {one, other});
  };
  constexpr float kStep = 1.0F / 32;
  expect_gradient(
      to_clean, differences([&](const Floats& z) { return value(z, at.scale); }, at.clean, kStep));
  expect_gradient(
      to_scale, differences([&](const Floats& s) { return value(at.clean, s); }, at.scale, kStep));
}

TEST(LossFreeBias, MovesByItsRateTowardsTheTarget) {
  Floats correction = {0, 0, 0.5F};
  update_correction(std::vector<double>{10, 2, 6}, 6, 1e-3, correction);
  EXPECT_EQ(correction, (Floats{-1e-3F, 1e-3F, 0.5F}));
}

TEST(WeightGradient, IsExactForEveryScoreWithAndWithoutRenormalisation) {
  const Floats logits = random_logits("weights");
  const Ids ids = chosen_of(logits);
  RandomStream random(2, "weights");
  Floats pull(ids.size());  // L = sum q g, so that dL/dg = q.
  for (float& q : pull) q = static_cast<float>(random.uniform() - 0.5);
  for (const ScoreFunction score :
       {ScoreFunction::kSoftmax, ScoreFunction::kSigmoid, ScoreFunction::kSqrtSoftplus}) {
    for (const bool renormalise : {false, true}) {
      RouterSpec router = moe_of(score, renormalise).router;
      router.scaling = 2.5;
      const auto weights_at = [&](const Floats& at) {
        Floats weights(ids.size());
        const Floats scores = scores_of(score, at);
        combine_weights(router, {score, kExperts, scores}, ids, weights);
        return weights;
      };
      const Loss loss = [&](const Floats& at) {
        const Floats weights = weights_at(at);
        double sum = 0;
        for (std::size_t i = 0; i < ids.size(); ++i) sum += double{pull[i]} * double{weights[i]};
        return sum;
      };
      Floats gradient(logits.size(), 0.0F);
      const Floats scores = scores_of(score, logits);
      const Floats weights = weights_at(logits);
      add_weight_gradient(router, {score, kExperts, scores}, {ids, weights}, pull, gradient);
      expect_gradient(gradient, differences(loss, logits));
    }
  }
}

TEST(WeightGradient, LeavesUnchosenExpertsAloneOnceWeightsAreRenormalised) {
  const Floats logits = random_logits("weights");
  const Ids ids = chosen_of(logits);
  const Floats scores = scores_of(ScoreFunction::kSoftmax, logits);
  const GateScores batch{ScoreFunction::kSoftmax, kExperts, scores};
  Floats pull(ids.size(), 0.0F);
  for (std::size_t i = 0; i < pull.size(); i += 2) pull[i] = 1;
  for (const bool renormalise : {true, false}) {
    const RouterSpec router = moe_of(ScoreFunction::kSoftmax, renormalise).router;
    Floats weights(ids.size());
    combine_weights(router, batch, ids, weights);
    Floats gradient(logits.size(), 0.0F);
    add_weight_gradient(router, batch, {ids, weights}, pull, gradient);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const auto first = ids.begin() + static_cast<std::ptrdiff_t>(i / kExperts * kTopK);
      const bool chosen = std::find(first, first + kTopK, i % kExperts) != first + kTopK;
      if (chosen) continue;
      EXPECT_EQ(gradient[i] == 0, renormalise) << i;
    }
  }
}

TEST(CombineWeights, AreTheRoutersOwn) {
  const Floats logits = random_logits("weights");
  for (const ScoreFunction score :
       {ScoreFunction::kSoftmax, ScoreFunction::kSigmoid, ScoreFunction::kSqrtSoftplus}) {
    for (const SelectionOrder order :
         {SelectionOrder::kScoreThenTopK, SelectionOrder::kTopKThenScore}) {
      for (const bool renormalise : {false, true}) {
        MoeSpec moe = moe_of(score, renormalise);
        moe.router.order = order;
        Ids ids(kTokens * kTopK);
        Floats expected(ids.size());
        route_logits(moe, logits, {}, {ids, expected});
        const Floats scores = scores_of(score, logits);
        Floats weights(ids.size());
        combine_weights(moe.router, {score, kExperts, scores}, ids, weights);
        for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_NEAR(weights[i], expected[i], 1e-6);
      }
    }
  }
}

TEST(CombineWeights, FollowTheRulesOwnDefinition) {
  const Floats logits = random_logits("weights");
  for (const SelectionRule rule :
       {SelectionRule::kNoisyTopK, SelectionRule::kRandomSecond, SelectionRule::kSinkhorn,
        SelectionRule::kBalancedAssignment, SelectionRule::kQuantile}) {
    MoeSpec moe = moe_of(ScoreFunction::kSoftmax, false);
    moe.router.rule = rule;
    moe.top_k = rule == SelectionRule::kBalancedAssignment ? 1 : 2;
    Ids ids(kTokens * static_cast<std::size_t>(moe.top_k));
    Floats expected(ids.size());
    route_logits(moe, logits, {}, {ids, expected}, {.phase = RoutingPhase::kTraining});
    std::replace(ids.begin(), ids.end(), kNoExpert, std::uint16_t{0});  // Compared nowhere below.
    const RouterSpec router = with_implied_weights(moe).router;
    const Floats scores = scores_of(router.score, logits);
    Floats weights(ids.size());
    combine_weights(router, {router.score, kExperts, scores}, ids, weights);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t second = i | 1U;  // A left-out second expert spoils its token's pair.
      if (moe.top_k == 2 && expected[second] == 0) continue;
      EXPECT_NEAR(weights[i], expected[i], 1e-6) << static_cast<int>(rule);
    }
  }
}

TEST(NoiseScale, IsSoftplusAboveItsLeast) {
  EXPECT_NEAR(noise_scale(0), std::log(2) + 0.01, 1e-6);
  EXPECT_NEAR(noise_scale(100), 100.01, 1e-4);
  EXPECT_NEAR(noise_scale(-100), 0.01, 1e-6);
  for (const float raw : {-3.0F, 0.0F, 2.0F}) {
    const double slope = double{noise_scale(raw + 0.125F) - noise_scale(raw - 0.125F)} / 0.25;
    EXPECT_NEAR(noise_scale_slope(noise_scale(raw)), slope, 1e-3);
  }
}

}  // namespace
}  // namespace moesim
