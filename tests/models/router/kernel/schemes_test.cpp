// Selection rules beside the top-k, and details that differ between models.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/kernel/gate_noise.h"
#include "tests/models/router/made_routers.h"

namespace moesim {
namespace {

using made::Floats;
using made::Ids;
using made::moe_of;
using made::random_floats;
using made::route;
using made::Routed;
using made::sigmoid;
using made::with_rule;

const float kLog2 = std::log(2.0F);
const float kLog3 = std::log(3.0F);

RouteOptions training(std::uint64_t seed = 7) {
  RouteOptions options;
  options.phase = RoutingPhase::kTraining;
  options.seed = seed;
  return options;
}

std::string refusal(const MoeSpec& moe, RoutingPhase phase = RoutingPhase::kDecode) {
  try {
    check_router(moe, phase);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

// ---- Details of the top-k schemes ----

TEST(GroupLimited, DeepSeekV2RanksGroupsByTheirLargestShare) {
  RouterSpec router;  // R6: softmax, group maximum, weights p, scaled.
  router.num_groups = 2;
  router.top_groups = 1;
  router.group_score = GroupScore::kLargest;
  router.scaling = 16;
  // e^z = 4, 1, 3, 3: the first group has the larger maximum, the second the larger sum.
  const Floats logits = {2 * kLog2, 0, kLog3, kLog3};
  const Routed out = route(moe_of(4, 2, router), logits);
  EXPECT_EQ(out.ids, (Ids{0, 1}));
  EXPECT_NEAR(out.weights[0], 16 * 4.0 / 11, 1e-5);
  router.group_score = GroupScore::kSumOfTwoLargest;
  EXPECT_EQ(route(moe_of(4, 2, router), logits).ids, (Ids{2, 3}));
}

TEST(GroupLimited, MegatronSumsAsManyScoresAsAGroupMayGive) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.num_groups = 3;
  router.top_groups = 1;
  router.group_score = GroupScore::kSumOfKeptShare;
  // Largest of the groups: 4 | 3, 3 | 2, 2, 2. Top-1 sums one score, top-2 two, top-3 three.
  const Floats logits = {4, -9, -9, 3, 3, -9, 2, 2, 2};
  EXPECT_EQ(route(moe_of(9, 1, router), logits).ids, (Ids{0}));
  EXPECT_EQ(route(moe_of(9, 2, router), logits).ids, (Ids{3, 4}));
  EXPECT_EQ(route(moe_of(9, 3, router), logits).ids, (Ids{6, 7, 8}));
}

TEST(GroupLimited, MegatronsScoreIsDeepSeeksForTwoPerGroup) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.correction_bias = true;
  router.num_groups = 8;
  router.top_groups = 4;
  const Floats logits = random_floats(100 * 256, "megatron");
  const Floats bias = random_floats(256, "bias", 0.1);
  const Ids two = route(moe_of(256, 8, router), logits, bias).ids;
  router.group_score = GroupScore::kSumOfKeptShare;
  EXPECT_EQ(route(moe_of(256, 8, router), logits, bias).ids, two);
}

TEST(GroupLimited, AMaskOfZeroLetsADroppedGroupBeatNegativeKeys) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.num_groups = 2;
  router.top_groups = 1;
  router.group_score = GroupScore::kLargest;
  const Floats logits = {5, 0, 4, 4};
  const Floats bias = {0, -3, 0, 0};
  EXPECT_EQ(route(moe_of(4, 2, router), logits, bias).ids, (Ids{0, 1}));
  router.group_mask = GroupMask::kZero;
  EXPECT_EQ(route(moe_of(4, 2, router), logits, bias).ids, (Ids{0, 2}));
}

TEST(Weights, DeepSeekV2ScalesOnlyWhatItDidNotRenormalise) {
  RouterSpec router;
  router.scaling = 16;
  router.scale_renormalised = false;
  const Floats logits = {2 * kLog2, kLog2, 0, 0};
  EXPECT_NEAR(route(moe_of(4, 2, router), logits).weights[0], 16 * 0.5, 1e-5);
  router.renormalise = true;
  EXPECT_NEAR(route(moe_of(4, 2, router), logits).weights[0], 2.0 / 3, 1e-6);
  router.scale_renormalised = true;  // DeepSeek-V3.
  EXPECT_NEAR(route(moe_of(4, 2, router), logits).weights[0], 16 * 2.0 / 3, 1e-5);
}

TEST(Weights, OneSigmoidIsNotRenormalised) {
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  router.renormalise = true;
  EXPECT_NEAR(route(moe_of(2, 1, router), {0, -1}).weights[0], 0.5, 1e-6);
  EXPECT_NEAR(route(moe_of(2, 2, router), {0, 0}).weights[0], 0.5, 1e-6);
  router.score = ScoreFunction::kSoftmax;
  EXPECT_NEAR(route(moe_of(2, 1, router), {0, -1}).weights[0], 1, 1e-6);
}

TEST(Weights, ErniesFloorKeepsTinySumsSmall) {
  RouterSpec router;
  router.renormalise = true;
  router.correction_bias = true;
  router.renormalise_floor = 1e-12;
  const Floats bias = {0, 9, 9};  // Chooses experts of shares e^-40 and e^-41.
  const Floats tiny = {0, -40, -41};
  const Routed out = route(moe_of(3, 2, router), tiny, bias);
  EXPECT_NEAR(out.weights[0], std::exp(-40.0) / 1e-12, 1e-10);
  const Routed usual = route(moe_of(3, 2, router), {0, 1, 1}, bias);
  EXPECT_NEAR(usual.weights[0], 0.5, 1e-6);
}

TEST(Weights, OfOneAreAllOne) {
  RouterSpec router;
  router.score = ScoreFunction::kOne;
  const Routed out = route(moe_of(4, 2, router), {1, 3, 2, 0});
  EXPECT_EQ(out.ids, (Ids{1, 2}));
  EXPECT_EQ(out.weights, (Floats{1, 1}));
}

TEST(SwitchTopOne, WeighsByTheShareOfTheLargest) {
  // e^z = 1, 6, 1: share 6/8, not renormalised.
  const Routed out = route(moe_of(3, 1), {0, kLog2 + kLog3, 0});
  EXPECT_EQ(out.ids, (Ids{1}));
  EXPECT_NEAR(out.weights[0], 0.75, 1e-6);
}

TEST(MinimaxM2, CorrectsWithoutGroups) {
  RouterSpec router;  // R7.
  router.score = ScoreFunction::kSigmoid;
  router.correction_bias = true;
  router.renormalise = true;
  const Routed out = route(moe_of(3, 2, router), {0, 2, 1}, {0.5F, 0, 0});
  EXPECT_EQ(out.ids, (Ids{0, 1}));  // 1, 0.88, 0.73.
  EXPECT_NEAR(out.weights[0], 0.5 / (0.5 + sigmoid(2)), 1e-6);
}

// ---- Hash layers ----

TEST(HashRouting, FollowsItsTableWhateverTheLogits) {
  MoeSpec moe = with_rule(6, 2, SelectionRule::kHash);
  moe.router.score = ScoreFunction::kOne;
  const Ids table = {0, 1, 4, 5, 2, 3};  // Types 0, 1, 2.
  const std::vector<std::uint32_t> types = {2, 0, 2, 1};
  RouteOptions options;
  options.hash_table = table;
  options.token_types = types;
  const Routed out = route(moe, random_floats(24, "hash"), {}, options);
  EXPECT_EQ(out.ids, (Ids{2, 3, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(out.weights, Floats(8, 1.0F));
}

TEST(HashRouting, WeighsByTheGateInDeepSeekV4) {
  MoeSpec moe = with_rule(4, 2, SelectionRule::kHash);
  moe.router.score = ScoreFunction::kSigmoid;
  moe.router.renormalise = true;
  const Ids table = {3, 0};
  const std::vector<std::uint32_t> types = {0};
  RouteOptions options;
  options.hash_table = table;
  options.token_types = types;
  const Routed out = route(moe, {1, 9, 9, 0}, {}, options);
  EXPECT_EQ(out.ids, (Ids{3, 0}));
  EXPECT_NEAR(out.weights[0], 0.5 / (0.5 + sigmoid(1)), 1e-6);
}

TEST(HashRouting, DrawsDistinctExpertsPerTypeFromTheSeed) {
  const MoeSpec moe = with_rule(5, 4, SelectionRule::kHash);
  std::vector<std::uint32_t> types(2000);
  std::iota(types.begin(), types.end(), 0U);
  types[1999] = 3;
  RouteOptions options;
  options.token_types = types;
  const Floats logits(types.size() * 5, 0.0F);
  const Ids ids = route(moe, logits, {}, options).ids;
  for (std::size_t t = 0; t < types.size(); ++t) {
    const auto row = ids.begin() + static_cast<std::ptrdiff_t>(t * 4);
    EXPECT_EQ(std::set<std::uint16_t>(row, row + 4).size(), 4U);
  }
  EXPECT_TRUE(std::equal(ids.begin() + 12, ids.begin() + 16, ids.end() - 4));
  for (const std::int64_t load : made::loads(ids, 5))
    EXPECT_NEAR(static_cast<double>(load), 1600, 80);
  options.seed = 1;
  EXPECT_NE(route(moe, logits, {}, options).ids, ids);
}

TEST(HashRouting, RefusesTypesBeyondItsTable) {
  const MoeSpec moe = with_rule(4, 1, SelectionRule::kHash);
  const Ids table = {0, 3};
  const Ids bad_table = {0, 4};
  const std::vector<std::uint32_t> types = {2};
  RouteOptions options;
  EXPECT_THROW(route(moe, {0, 0, 0, 0}, {}, options), std::invalid_argument);  // No types.
  options.token_types = types;
  options.hash_table = table;
  EXPECT_THROW(route(moe, {0, 0, 0, 0}, {}, options), std::invalid_argument);
  const std::vector<std::uint32_t> good = {1};
  options.token_types = good;
  EXPECT_EQ(route(moe, {0, 0, 0, 0}, {}, options).ids, (Ids{3}));
  options.hash_table = bad_table;
  EXPECT_THROW(route(moe, {0, 0, 0, 0}, {}, options), std::invalid_argument);
}

// ---- GShard ----

TEST(RandomSecond, IsKeptWithTwiceItsShare) {
  const MoeSpec moe = with_rule(2, 2, SelectionRule::kRandomSecond);
  // Shares 3/4 and 1/4: the second is kept half of the time.
  constexpr std::size_t kTokens = 4000;
  Floats logits;
  for (std::size_t t = 0; t < kTokens; ++t) logits.insert(logits.end(), {kLog3, 0});
  const Routed out = route(moe, logits);
  std::size_t kept = 0;
  for (std::size_t t = 0; t < kTokens; ++t) {
    EXPECT_EQ(out.ids[2 * t], 0);
    EXPECT_NEAR(out.weights[2 * t], 0.75, 1e-6);  // Whether the second is kept or not.
    const bool stays = out.ids[2 * t + 1] != kNoExpert;
    EXPECT_NEAR(out.weights[2 * t + 1], stays ? 0.25 : 0.0, 1e-6);
    kept += stays ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(kept) / kTokens, 0.5, 4 * std::sqrt(0.25 / kTokens));
}

TEST(RandomSecond, IsAlwaysKeptWhenAsGoodAsTheFirst) {
  const Routed out =
      route(with_rule(3, 2, SelectionRule::kRandomSecond), {1, 1, 0, -2, 5, 5, 0, 0, 0});
  EXPECT_EQ(out.ids, (Ids{0, 1, 1, 2, 0, 1}));
}

TEST(RandomSecond, UsesTheBanksMarkForNoExpert) {
  EXPECT_EQ(kNoExpert, kNoExpert);
}

// ---- Noise ----

TEST(NoisyTopK, AddsNoiseOfTheSoftplusOfItsOwnMatrix) {
  constexpr std::int64_t kOutputs = 2;
  constexpr std::size_t kTokens = 20000;
  Floats logits(kTokens * kOutputs, 1.0F);
  Floats scales;
  for (std::size_t t = 0; t < kTokens; ++t) scales.insert(scales.end(), {0.0F, -50.0F});
  add_logit_noise(scales, kOutputs, 3, 0, logits);
  double mean = 0;
  double square = 0;
  for (std::size_t t = 0; t < kTokens; ++t) {
    mean += logits[2 * t] - 1;
    square += std::pow(logits[2 * t] - 1, 2);
    EXPECT_FLOAT_EQ(logits[2 * t + 1], 1);  // softplus(-50) = 2e-22.
  }
  const double deviation = std::log(2.0);  // softplus(0).
  EXPECT_NEAR(mean / kTokens, 0, 4 * deviation / std::sqrt(kTokens));
  EXPECT_NEAR(std::sqrt(square / kTokens), deviation, 0.02);
}

TEST(NoisyTopK, IsPlainTopKWithSoftmaxOverTheKeptWhenServing) {
  const MoeSpec moe = with_rule(4, 2, SelectionRule::kNoisyTopK);
  const Floats gate = {1, 0, 2, 3};
  const Floats noise(4, 5.0F);
  const Floats hidden = {kLog2};
  const GateView view{{gate.data(), 4, 1, 1}, {}, {}, {noise.data(), 4, 1, 1}};
  Ids ids(2);
  Floats weights(2);
  route_hidden(moe, view, {hidden.data(), 1, 1, 1}, {ids, weights});
  EXPECT_EQ(ids, (Ids{3, 2}));
  EXPECT_NEAR(weights[0], 2.0 / 3, 1e-6);  // 8 / (8 + 4).
}

TEST(NoisyTopK, NeedsItsMatrixForTraining) {
  const MoeSpec moe = with_rule(4, 2, SelectionRule::kNoisyTopK);
  const Floats gate = {1, 0, 2, 3};
  const Floats hidden = {1};
  const GateView view{{gate.data(), 4, 1, 1}, {}, {}};
  Ids ids(2);
  EXPECT_THROW(route_hidden(moe, view, {hidden.data(), 1, 1, 1}, {ids, {}}, training()),
               std::invalid_argument);
}

TEST(Jitter, ScalesEveryEntryByItsOwnFactorWhileTraining) {
  const Floats hidden(5000, 2.0F);
  Floats copy(hidden.size());
  jitter_states({hidden.data(), 50, 100, 100}, 0.1, 3, 0, copy);
  const auto [least, most] = std::minmax_element(copy.begin(), copy.end());
  EXPECT_GE(*least, 1.8F);
  EXPECT_LT(*least, 1.81F);
  EXPECT_LE(*most, 2.2F);
  EXPECT_GT(*most, 2.19F);
  EXPECT_NEAR(std::accumulate(copy.begin(), copy.end(), 0.0) / 5000, 2, 0.01);

  MoeSpec moe = moe_of(3, 1);
  moe.router.jitter = 0.1;
  const Floats gate = {1, 2, 3};
  const GateView view{{gate.data(), 3, 1, 1}, {}, {}};
  const MatrixView one{hidden.data(), 1, 1, 1};
  EXPECT_EQ(gate_logits(moe, view, one), (Floats{2, 4, 6}));
  const Floats jittered = gate_logits(moe, view, one, training());
  EXPECT_NE(jittered[0], 2);
  EXPECT_FLOAT_EQ(jittered[2], 3 * jittered[0]);  // One factor for the one entry.
}

// ---- SparseMixer ----

TEST(SparseMixer, WeighsEachPickAmongLogitsCloseToIt) {
  MoeSpec moe = with_rule(4, 2, SelectionRule::kSparseMixer);
  moe.router.mixer_jitter = 0.01;
  // First: 100; close within 2 %: 99 (1 %), not 97 (3 %). Then 99: close 97 (2.02 %) is not.
  const Routed out = route(moe, {97, 100, 0, 99});
  EXPECT_EQ(out.ids, (Ids{1, 3}));
  EXPECT_NEAR(out.weights[0], sigmoid(1), 1e-6);  // e^100 / (e^100 + e^99).
  EXPECT_NEAR(out.weights[1], 1, 1e-6);
}

TEST(SparseMixer, MeasuresClosenessByTheLargerMagnitude) {
  MoeSpec moe = with_rule(3, 1, SelectionRule::kSparseMixer);
  moe.router.mixer_jitter = 0.25;
  // Largest -1: -2 is 1 away, half of |-2|: close. -4 is 3 away, three quarters: not.
  const Routed out = route(moe, {-2, -1, -4});
  EXPECT_EQ(out.ids, (Ids{1}));
  EXPECT_NEAR(out.weights[0], sigmoid(1), 1e-6);
}

TEST(SparseMixer, ChoosesTheTopKWhenServing) {
  MoeSpec moe = with_rule(16, 2, SelectionRule::kSparseMixer);
  moe.router.mixer_jitter = 0.01;
  const Floats logits = random_floats(200 * 16, "mixer");
  EXPECT_EQ(route(moe, logits).ids, route(moe_of(16, 2), logits).ids);
}

TEST(SparseMixer, DrawsAmongCloseLogitsWhileTraining) {
  MoeSpec moe = with_rule(3, 1, SelectionRule::kSparseMixer);
  moe.router.mixer_jitter = 0.5;  // Close: within the magnitude of the largest.
  Floats logits;
  constexpr std::size_t kTokens = 4000;
  for (std::size_t t = 0; t < kTokens; ++t) logits.insert(logits.end(), {kLog3, 0, -2});
  const Routed out = route(moe, logits, {}, training());
  const std::vector<std::int64_t> loads = made::loads(out.ids, 3);
  EXPECT_NEAR(static_cast<double>(loads[0]), 3000, 4 * std::sqrt(kTokens * 0.75 * 0.25));
  EXPECT_EQ(loads[2], 0);
  for (std::size_t t = 0; t < kTokens; ++t) {
    EXPECT_NEAR(out.weights[t], out.ids[t] == 0 ? 0.75 : 0.25, 1e-6);
  }
}

// ---- Contradictions ----

TEST(CheckRouter, NamesWhatIsAllowed) {
  EXPECT_EQ(refusal(moe_of(8, 2)), "accepted");
  EXPECT_EQ(refusal(moe_of(8, 9)), "top_k: 9: from 1 to 8, the experts, expected");
  EXPECT_EQ(refusal(moe_of(8, 0)), "top_k: 0: from 1 to 8, the experts, expected");
  EXPECT_EQ(refusal(moe_of(65536, 1)),
            "num_experts: 65536: at most 65535 with the zero experts expected");
  EXPECT_EQ(refusal(moe_of(65535, 1)), "accepted");
  RouterSpec router;
  router.num_groups = 3;
  EXPECT_EQ(refusal(moe_of(8, 2, router)), "num_groups: 3: a divisor of the 8 experts expected");
  router.num_groups = 4;
  router.top_groups = 5;
  EXPECT_EQ(refusal(moe_of(8, 2, router)), "top_groups: 5: from 1 to 4, the groups, expected");
  router.top_groups = 4;
  router.scaling = std::nan("");
  EXPECT_EQ(refusal(moe_of(8, 2, router)), "scaling: nan: a finite number expected");
  router.scaling = 1;
  router.jitter = 1;
  EXPECT_EQ(refusal(moe_of(8, 2, router)), "jitter: 1: below 1 expected");
  router.jitter = 0;
  router.capacity.factor = -1;
  EXPECT_EQ(refusal(moe_of(8, 2, router)), "capacity.factor: -1: at least 0 expected");
}

TEST(CheckRouter, RulesNeedTheirTopK) {
  EXPECT_EQ(refusal(with_rule(8, 3, SelectionRule::kRandomSecond)),
            "top_k: 3: 2 for a random second expert expected");
  EXPECT_EQ(refusal(with_rule(8, 2, SelectionRule::kBalancedAssignment)),
            "top_k: 2: 1 for a balanced assignment expected");
}

TEST(CheckRouter, ExpertChoiceIsNotCausal) {
  const MoeSpec moe = with_rule(8, 2, SelectionRule::kExpertChoice);
  EXPECT_NE(refusal(moe).find("expert choice: training or prefill expected"), std::string::npos);
  EXPECT_EQ(refusal(moe, RoutingPhase::kPrefill), "accepted");
  EXPECT_THROW(route(moe, Floats(16, 0.0F)), std::invalid_argument);
  RouteOptions options;
  options.phase = RoutingPhase::kPrefill;
  EXPECT_THROW(route(moe, Floats(16, 0.0F), {}, options), std::invalid_argument);  // Ragged.
}

}  // namespace
}  // namespace moesim
