// Capacity, dropping, padding and the rows that experts compute.
#include "models/router/kernel/capacity.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tests/models/router/made_routers.h"

namespace moesim {
namespace {

using made::Floats;
using made::Ids;
using made::moe_of;
using made::random_floats;
using made::Routed;
using Counts = std::vector<std::int64_t>;

constexpr RoutingPhase kServing = RoutingPhase::kDecode;
constexpr RoutingPhase kTraining = RoutingPhase::kTraining;

MoeSpec with_capacity(std::int64_t experts, std::int64_t top_k, const CapacitySpec& capacity) {
  MoeSpec moe = moe_of(experts, top_k);
  moe.router.capacity = capacity;
  return moe;
}

CapacitySpec factor(double value) {
  CapacitySpec capacity;
  capacity.factor = value;
  return capacity;
}

TEST(Capacity, IsTheMeanLoadTimesItsFactorRoundedUp) {
  EXPECT_EQ(expert_capacity(with_capacity(8, 2, factor(1)), 100, kServing), 25);
  EXPECT_EQ(expert_capacity(with_capacity(8, 2, factor(1)), 101, kServing), 26);
  EXPECT_EQ(expert_capacity(with_capacity(8, 2, factor(1.25)), 100, kServing), 32);  // 31.25
  EXPECT_EQ(expert_capacity(with_capacity(10, 1, factor(1.1)), 100, kServing), 11);  // Exactly.
}

TEST(Capacity, IsNeverAboveTheTokensNorBelowItsLeast) {
  EXPECT_EQ(expert_capacity(with_capacity(4, 2, factor(8)), 10, kServing), 10);
  EXPECT_EQ(expert_capacity(with_capacity(4, 2, factor(1e300)), 10, kServing), 10);
  CapacitySpec capacity = factor(1);
  capacity.least = 4;
  EXPECT_EQ(expert_capacity(with_capacity(64, 1, capacity), 64, kServing), 4);
  EXPECT_EQ(expert_capacity(with_capacity(64, 1, capacity), 3, kServing), 3);
}

TEST(Capacity, MayDifferWhileTraining) {
  CapacitySpec capacity = factor(2);  // Switch-C.
  capacity.training_factor = 1.25;
  EXPECT_EQ(expert_capacity(with_capacity(4, 1, capacity), 16, kServing), 8);
  EXPECT_EQ(expert_capacity(with_capacity(4, 1, capacity), 16, kTraining), 5);
  capacity.factor = 0;
  EXPECT_TRUE(is_dropless(capacity, kServing));
  EXPECT_FALSE(is_dropless(capacity, kTraining));
}

TEST(Capacity, MayBeANumberOfTokens) {
  CapacitySpec capacity;
  capacity.fixed = 64;
  EXPECT_FALSE(is_dropless(capacity, kServing));
  EXPECT_EQ(expert_capacity(with_capacity(8, 1, capacity), 4096, kServing), 64);
  EXPECT_EQ(expert_capacity(with_capacity(8, 1, capacity), 32, kServing), 32);
}

// Six tokens with one expert each; expert 0 has four and takes ceil(6 / 2) = 3.
const Ids kCrowded = {0, 0, 1, 0, 1, 0};
const Floats kCrowdedWeights = {0.5F, 0.2F, 0.9F, 0.7F, 0.8F, 0.6F};

TEST(Dropping, ByWeightLeavesOutTheLightest) {
  Ids ids = kCrowded;
  Floats weights = kCrowdedWeights;
  const BatchLoad load =
      apply_capacity(with_capacity(2, 1, factor(1)), {ids, weights}, 6, kServing);
  EXPECT_EQ(ids, (Ids{0, kNoExpert, 1, 0, 1, 0}));
  EXPECT_EQ(weights, (Floats{0.5F, 0, 0.9F, 0.7F, 0.8F, 0.6F}));  // Not renormalised.
  EXPECT_EQ(load.dropped, 1);
  EXPECT_EQ(load.kept, (Counts{3, 2}));
  EXPECT_EQ(load.rows, (Counts{3, 2}));
}

TEST(Dropping, ByPositionLeavesOutTheLast) {
  CapacitySpec capacity = factor(1);
  capacity.drop = DropPolicy::kByPosition;
  Ids ids = kCrowded;
  Floats weights = kCrowdedWeights;
  apply_capacity(with_capacity(2, 1, capacity), {ids, weights}, 6, kServing);
  EXPECT_EQ(ids, (Ids{0, 0, 1, 0, 1, kNoExpert}));
  Ids alone = kCrowded;  // Without weights only positions are known.
  apply_capacity(with_capacity(2, 1, factor(1)), {alone, {}}, 6, kServing);
  EXPECT_EQ(alone, ids);
}

TEST(Dropping, EqualWeightsGoToTheEarlierToken) {
  Ids ids = {0, 0, 0, 0};
  Floats weights(4, 0.5F);
  apply_capacity(with_capacity(2, 1, factor(1)), {ids, weights}, 4, kServing);
  EXPECT_EQ(ids, (Ids{0, 0, kNoExpert, kNoExpert}));
}

TEST(Dropping, GShardPlacesFirstChoicesBeforeSecondOnes) {
  CapacitySpec capacity = factor(0.5);  // ceil(0.5 * 3 * 2 / 2) = 2.
  capacity.drop = DropPolicy::kByPosition;
  MoeSpec moe = with_capacity(2, 2, capacity);
  const Ids wanted = {1, 0, 0, 1, 0, 1};
  Ids ids = wanted;
  Floats weights(6, 0.5F);
  apply_capacity(moe, {ids, weights}, 3, kServing);
  EXPECT_EQ(ids, (Ids{1, 0, 0, 1, kNoExpert, kNoExpert}));  // Token by token.
  moe.router.rule = SelectionRule::kRandomSecond;
  ids = wanted;
  apply_capacity(moe, {ids, weights}, 3, kServing);
  EXPECT_EQ(ids, (Ids{1, kNoExpert, 0, 1, 0, kNoExpert}));
}

TEST(Dropping, NothingHappensWithRoomForAllTokens) {
  const MoeSpec moe = with_capacity(4, 2, factor(2));  // 4 / 2 * 2: every token.
  const Floats logits = random_floats(32 * 4, "room");
  Routed out = made::route(moe, logits);
  const Routed before = out;
  const BatchLoad load = apply_capacity(moe, {out.ids, out.weights}, 32, kServing);
  EXPECT_EQ(out.ids, before.ids);
  EXPECT_EQ(out.weights, before.weights);
  EXPECT_EQ(load.dropped, 0);
  EXPECT_EQ(std::accumulate(load.kept.begin(), load.kept.end(), 0LL), 64);
}

TEST(Dropping, ZeroExpertsTakeEverything) {
  MoeSpec moe = with_capacity(2, 1, factor(0.5));
  moe.router.num_zero_experts = 1;
  Ids ids = {2, 2, 2, 2, 0, 0};
  Floats weights(6, 1.0F);
  const BatchLoad load = apply_capacity(moe, {ids, weights}, 6, kServing);
  EXPECT_EQ(ids, (Ids{2, 2, 2, 2, 0, 0}));  // ceil(0.5 * 6 / 2) = 2 for expert 0.
  EXPECT_EQ(load.kept, (Counts{2, 0}));
}

TEST(Dropping, KeptAndDroppedAddUpToAllPairs) {
  for (const double f : {0.1, 0.5, 1.0, 1.5, 3.0}) {
    const MoeSpec moe = with_capacity(16, 4, factor(f));
    RouteOptions options;
    const RoutedBatch batch = route_batch(moe, random_floats(200 * 16, "drops"), {}, options);
    const Counts kept = made::loads(batch.ids, 16);
    EXPECT_EQ(std::accumulate(kept.begin(), kept.end(), batch.dropped), 800);
    for (const std::int64_t load : kept) {
      EXPECT_LE(load, expert_capacity(moe, 200, options.phase));
    }
    for (std::size_t i = 0; i < batch.ids.size(); ++i) {
      EXPECT_EQ(batch.ids[i] == kNoExpert, batch.weights[i] == 0);
    }
  }
}

TEST(Rows, OfPaddedExpertsAreTheCapacity) {
  CapacitySpec capacity = factor(1.5);
  capacity.pad = true;
  const MoeSpec moe = with_capacity(2, 1, capacity);
  Ids ids = {0, 0, 0, 0};
  Floats weights(4, 1.0F);
  const BatchLoad load = apply_capacity(moe, {ids, weights}, 4, kServing);
  EXPECT_EQ(load.kept, (Counts{3, 0}));
  EXPECT_EQ(load.rows, (Counts{3, 3}));
}

TEST(Rows, OfDroplessExpertsAreWholeBlocks) {
  CapacitySpec capacity;
  capacity.block = 128;  // MegaBlocks.
  const MoeSpec moe = with_capacity(4, 1, capacity);
  EXPECT_EQ(expert_rows(moe, 0, 1000, kServing), 0);
  EXPECT_EQ(expert_rows(moe, 1, 1000, kServing), 128);
  EXPECT_EQ(expert_rows(moe, 128, 1000, kServing), 128);
  EXPECT_EQ(expert_rows(moe, 129, 1000, kServing), 256);
  capacity.pad = true;  // Nothing to pad to without a capacity.
  EXPECT_EQ(expert_rows(with_capacity(4, 1, capacity), 129, 1000, kServing), 256);
}

TEST(DeviceBudget, DropsTheLightestPairsOfTheCrowdedDevice) {
  const MoeSpec moe = moe_of(4, 1);  // Experts 0, 1 on the first device, 2, 3 on the second.
  Ids ids = {0, 1, 0, 2};            // Mean 2 per device; the first has 3.
  Floats weights = {0.5F, 0.9F, 0.4F, 0.1F};
  const BatchLoad load = apply_device_budget(moe, {ids, weights}, 4, {2, 1.0, 0});
  EXPECT_EQ(ids, (Ids{0, 1, kNoExpert, 2}));
  EXPECT_EQ(load.kept, (Counts{1, 1, 1, 0}));
  EXPECT_EQ(load.dropped, 1);
}

TEST(DeviceBudget, SparesProtectedTokens) {
  const MoeSpec moe = moe_of(4, 1);
  Ids ids = {0, 1, 0, 2};
  Floats weights = {0.1F, 0.2F, 0.9F, 0.5F};
  apply_device_budget(moe, {ids, weights}, 4, {2, 1.0, 2});
  EXPECT_EQ(ids, (Ids{0, 1, kNoExpert, 2}));
}

}  // namespace
}  // namespace moesim
