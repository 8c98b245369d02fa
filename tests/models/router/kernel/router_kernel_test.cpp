#include "models/router/kernel/router_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace moesim {
namespace {

struct Routed {
  std::vector<std::uint16_t> ids;
  std::vector<float> weights;
};

MoeSpec moe_of(std::int64_t experts, std::int64_t top_k, RouterSpec router = {}) {
  MoeSpec moe;
  moe.num_experts = experts;
  moe.top_k = top_k;
  moe.router = router;
  return moe;
}

Routed route(const MoeSpec& moe, const std::vector<float>& logits,
             const std::vector<float>& correction = {}) {
  const std::size_t tokens = logits.size() / static_cast<std::size_t>(gate_outputs(moe));
  Routed out;
  out.ids.resize(tokens * static_cast<std::size_t>(moe.top_k));
  out.weights.resize(out.ids.size());
  route_logits(moe, logits, correction, {out.ids, out.weights});
  return out;
}

std::vector<float> random_logits(std::size_t count) {
  RandomStream random(1, "router kernel test");
  std::vector<float> logits(count);
  for (float& z : logits) z = static_cast<float>(6 * random.uniform() - 3);
  return logits;
}

double sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

using Ids = std::vector<std::uint16_t>;
const float kLog2 = std::log(2.0F);

TEST(RouterKernel, SoftmaxWeightsAreSharesOfAllExperts) {
  // e^z = 4, 2, 1, 1: shares 1/2, 1/4, 1/8, 1/8.
  const Routed out = route(moe_of(4, 2), {0, 2 * kLog2, kLog2, 0});
  EXPECT_EQ(out.ids, (Ids{1, 2}));
  EXPECT_NEAR(out.weights[0], 0.5, 1e-6);
  EXPECT_NEAR(out.weights[1], 0.25, 1e-6);
}

TEST(RouterKernel, RenormalisedSoftmaxWeightsSumToTheScale) {
  RouterSpec router;
  router.renormalise = true;
  router.scaling = 3;
  const Routed out = route(moe_of(4, 2, router), {0, 2 * kLog2, kLog2, 0});
  EXPECT_NEAR(out.weights[0], 2, 1e-5);  // 3 * 4 / (4 + 2)
  EXPECT_NEAR(out.weights[1], 1, 1e-5);
}

TEST(RouterKernel, TopKThenSoftmaxSharesOnlyTheChosen) {
  RouterSpec router;
  router.order = SelectionOrder::kTopKThenScore;
  const Routed out = route(moe_of(4, 2, router), {0, 2 * kLog2, kLog2, 0});
  EXPECT_EQ(out.ids, (Ids{1, 2}));
  EXPECT_NEAR(out.weights[0], 2.0 / 3, 1e-6);
}

TEST(RouterKernel, TopKThenSigmoidWeighsEachChosenByItself) {
  RouterSpec router;
  router.order = SelectionOrder::kTopKThenScore;
  router.score = ScoreFunction::kSigmoid;
  const Routed out = route(moe_of(4, 1, router), {-1, 0.5, 2, 1});
  EXPECT_EQ(out.ids, (Ids{2}));
  EXPECT_NEAR(out.weights[0], sigmoid(2), 1e-6);
}

// L9: both orders of renormalised softmax are the same router.
TEST(RouterKernel, RenormalisedSoftmaxEqualsTopKThenSoftmax) {
  const std::vector<float> logits = random_logits(500 * 32);
  RouterSpec first;
  first.renormalise = true;
  RouterSpec second;
  second.order = SelectionOrder::kTopKThenScore;
  const Routed a = route(moe_of(32, 4, first), logits);
  const Routed b = route(moe_of(32, 4, second), logits);
  EXPECT_EQ(a.ids, b.ids);
  for (std::size_t i = 0; i < a.weights.size(); ++i) EXPECT_NEAR(a.weights[i], b.weights[i], 1e-6);
}

TEST(RouterKernel, TiesGoToTheLowestIndex) {
  EXPECT_EQ(route(moe_of(40, 3), std::vector<float>(40, 1.0F)).ids, (Ids{0, 1, 2}));
  std::vector<float> logits(40, 0.0F);
  logits[39] = logits[17] = logits[33] = 1;
  EXPECT_EQ(route(moe_of(40, 3), logits).ids, (Ids{17, 33, 39}));
  EXPECT_EQ(route(moe_of(2, 1), {0.0F, -0.0F}).ids, (Ids{0}));
}

TEST(RouterKernel, CorrectionSelectsButDoesNotWeigh) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.correction_bias = true;
  router.renormalise = true;
  router.scaling = 2.5;
  const Routed out = route(moe_of(4, 2, router), {3, 2, 1, 0}, {-1, 0, 0, 1});
  EXPECT_EQ(out.ids, (Ids{3, 1}));  // 0.5 + 1 and sigmoid(2) = 0.88.
  EXPECT_NEAR(out.weights[0], 2.5 * 0.5 / (0.5 + sigmoid(2)), 1e-5);
  EXPECT_NEAR(out.weights[1], 2.5 * sigmoid(2) / (0.5 + sigmoid(2)), 1e-5);
}

TEST(RouterKernel, SumOfTwoPrefersTheGroupWithTwoGoodExperts) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.correction_bias = true;
  router.num_groups = 2;
  router.top_groups = 1;
  const std::vector<float> logits = {4, -4, -4, -4, 1, 1, 0, 0};
  EXPECT_EQ(route(moe_of(8, 2, router), logits, std::vector<float>(8, 0.0F)).ids, (Ids{4, 5}));
  router.group_score = GroupScore::kLargest;
  EXPECT_EQ(route(moe_of(8, 2, router), logits, std::vector<float>(8, 0.0F)).ids, (Ids{0, 1}));
}

TEST(RouterKernel, ADroppedGroupLosesEvenToNegativeScores) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.correction_bias = true;
  router.num_groups = 2;
  router.top_groups = 1;
  router.group_score = GroupScore::kLargest;
  const Routed out = route(moe_of(4, 2, router), {5, 0, 4, 4}, {0, -3, 0, 0});
  EXPECT_EQ(out.ids, (Ids{0, 1}));
}

TEST(RouterKernel, NeverChoosesFromMoreThanTopGroups) {
  RouterSpec router;
  router.num_groups = 8;
  router.top_groups = 3;
  router.group_score = GroupScore::kLargest;
  const Routed out = route(moe_of(160, 6, router), random_logits(300 * 160));
  for (std::size_t t = 0; t < 300; ++t) {
    std::vector<int> groups;
    for (std::size_t j = 0; j < 6; ++j) groups.push_back(out.ids[t * 6 + j] / 20);
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    EXPECT_LE(groups.size(), 3U);
  }
}

TEST(RouterKernel, MoreThanTheKeptGroupsHoldStillGivesDistinctExperts) {
  RouterSpec router;
  router.num_groups = 4;
  router.top_groups = 1;
  router.group_score = GroupScore::kLargest;
  EXPECT_EQ(route(moe_of(8, 4, router), {0, 0, 0, 0, 9, 8, 0, 0}).ids, (Ids{4, 5, 0, 1}));
}

TEST(RouterKernel, ZeroExpertsAreChosenLikeOthers) {
  RouterSpec router;
  router.correction_bias = true;
  router.num_zero_experts = 2;
  router.scaling = 6;
  const Routed out = route(moe_of(2, 2, router), {0, 0, kLog2, 2 * kLog2}, {0, 0, 0, 0});
  EXPECT_EQ(out.ids, (Ids{3, 2}));
  EXPECT_NEAR(out.weights[0], 6 * 0.5, 1e-5);  // 4 / (1 + 1 + 2 + 4)
}

TEST(RouterKernel, SqrtSoftplusScoresAreTheirFormula) {
  RouterSpec router;
  router.score = ScoreFunction::kSqrtSoftplus;
  const Routed out = route(moe_of(3, 3, router), {-2, 0, 30});
  EXPECT_EQ(out.ids, (Ids{2, 1, 0}));
  EXPECT_NEAR(out.weights[0], std::sqrt(30.0), 1e-5);
  EXPECT_NEAR(out.weights[1], std::sqrt(std::log(2.0)), 1e-6);
  EXPECT_NEAR(out.weights[2], std::sqrt(std::log1p(std::exp(-2.0))), 1e-6);
}

TEST(RouterKernel, ExtremeLogitsGiveFiniteWeights) {
  for (const ScoreFunction score :
       {ScoreFunction::kSoftmax, ScoreFunction::kSigmoid, ScoreFunction::kSqrtSoftplus}) {
    RouterSpec router;
    router.score = score;
    router.renormalise = true;
    for (const float weight : route(moe_of(3, 2, router), {-1e30F, 0, 1e30F}).weights) {
      EXPECT_TRUE(std::isfinite(weight));
    }
    for (const float weight : route(moe_of(3, 2, router), {-1e30F, -1e30F, -1e30F}).weights) {
      EXPECT_TRUE(std::isfinite(weight));
    }
  }
}

// L12: experts renamed in the logits are the same experts renamed in the choice.
TEST(RouterKernel, PermutingExpertsPermutesTheChoice) {
  constexpr std::size_t kExperts = 64;
  const std::vector<float> logits = random_logits(200 * kExperts);
  std::vector<std::size_t> name(kExperts);
  std::iota(name.begin(), name.end(), std::size_t{0});
  RandomStream random(2, "permutation");
  for (std::size_t i = kExperts; i > 1; --i) std::swap(name[i - 1], name[random.below(i)]);
  std::vector<float> renamed(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    renamed[i / kExperts * kExperts + name[i % kExperts]] = logits[i];
  }
  const Routed before = route(moe_of(kExperts, 8), logits);
  const Routed after = route(moe_of(kExperts, 8), renamed);
  for (std::size_t i = 0; i < before.ids.size(); ++i) {
    EXPECT_EQ(after.ids[i], name[before.ids[i]]);
    EXPECT_NEAR(after.weights[i], before.weights[i], 1e-6);
  }
}

TEST(RouterKernel, AgreesWithAFullSort) {
  constexpr std::size_t kExperts = 100;
  const std::vector<float> logits = random_logits(200 * kExperts);
  const Routed out = route(moe_of(kExperts, 7), logits);
  for (std::size_t t = 0; t < 200; ++t) {
    Ids order(kExperts);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::uint16_t a, std::uint16_t b) {
      return logits[t * kExperts + a] > logits[t * kExperts + b];
    });
    EXPECT_TRUE(std::equal(order.begin(), order.begin() + 7,
                           out.ids.begin() + static_cast<std::ptrdiff_t>(t * 7)));
  }
}

TEST(RouterKernel, HiddenStatesGoThroughTheGateAndItsBias) {
  const std::vector<float> gate = {1, 0, 0, 1, 1, 1};     // Three experts of width 2.
  const std::vector<float> hidden = {2, 1, 9, -1, 0, 9};  // Two tokens, rows three apart.
  const std::vector<float> bias = {0, 0, -2};
  const MoeSpec moe = moe_of(3, 1);
  const MatrixView states = {hidden.data(), 2, 2, 3};
  Ids ids(2);
  route_hidden(moe, {{gate.data(), 3, 2, 2}, {}, {}}, states, {ids, {}});
  EXPECT_EQ(ids, (Ids{2, 1}));  // Logits 2, 1, 3 and -1, 0, -1.
  route_hidden(moe, {{gate.data(), 3, 2, 2}, bias, {}}, states, {ids, {}});
  EXPECT_EQ(ids, (Ids{0, 1}));  // Logits 2, 1, 1 and -1, 0, -3.
}

}  // namespace
}  // namespace moesim
