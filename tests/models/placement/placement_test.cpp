#include "models/placement/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/models/made_models.h"
#include "tests/models/router/made_banks.h"

namespace moesim {
namespace {

// The example of the EPLB README: 12 experts, 16 slots, 4 expert groups, 2 nodes, 8 GPUs; two
// layers. Source: deepseek-ai/EPLB.
const std::vector<double> kLayer0 = {90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86};
const std::vector<double> kLayer1 = {20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27};

using Ids = std::vector<std::int32_t>;

std::vector<std::size_t> replica_counts(const LayerPlacement& placement) {
  std::vector<std::size_t> counts;
  for (const Ids& slots : placement.slots_of_expert) counts.push_back(slots.size());
  return counts;
}

using made::group_loads;
using made::max_over_mean;

TEST(Eplb, HierarchicalReproducesThePublishedExample) {
  EXPECT_EQ(place_eplb(kLayer0, 4, 8, 4, 2).expert_of_slot,
            (Ids{5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1}));
  EXPECT_EQ(place_eplb(kLayer1, 4, 8, 4, 2).expert_of_slot,
            (Ids{7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1}));
}

TEST(Eplb, HierarchicalCountsReplicas) {
  EXPECT_EQ(replica_counts(place_eplb(kLayer0, 4, 8, 4, 2)),
            (std::vector<std::size_t>{1, 2, 1, 1, 2, 2, 1, 1, 1, 1, 2, 1}));
  EXPECT_EQ(replica_counts(place_eplb(kLayer1, 4, 8, 4, 2)),
            (std::vector<std::size_t>{1, 2, 1, 1, 1, 2, 2, 1, 2, 1, 1, 1}));
}

TEST(Eplb, HierarchicalBalancesTheGpus) {
  EXPECT_EQ(group_loads(place_eplb(kLayer0, 4, 8, 4, 2), kLayer0),
            (std::vector<double>{121.5, 86.5, 125, 113, 147.5, 131.5, 156, 152}));
  EXPECT_EQ(group_loads(place_eplb(kLayer1, 4, 8, 4, 2), kLayer1),
            (std::vector<double>{173, 179.5, 120.5, 172, 123, 152, 118.5, 117.5}));
  const auto ratio = [](const std::vector<double>& w) {
    return max_over_mean(group_loads(place_eplb(w, 4, 8, 4, 2), w));
  };
  EXPECT_NEAR(ratio(kLayer0), 1.208, 0.0005);
  EXPECT_NEAR(ratio(kLayer1), 1.242, 0.0005);
}

TEST(Eplb, GlobalIgnoresNodes) {
  const LayerPlacement layer0 = place_eplb(kLayer0, 4, 8, 1, 1);
  const LayerPlacement layer1 = place_eplb(kLayer1, 4, 8, 1, 1);
  EXPECT_EQ(layer0.expert_of_slot, (Ids{10, 6, 10, 7, 0, 2, 11, 4, 5, 9, 5, 4, 8, 3, 1, 1}));
  EXPECT_EQ(layer1.expert_of_slot, (Ids{1, 10, 2, 4, 5, 11, 5, 0, 6, 7, 6, 3, 8, 8, 9, 7}));
  EXPECT_NEAR(max_over_mean(group_loads(layer0, kLayer0)), 1.073, 0.0005);
  EXPECT_NEAR(max_over_mean(group_loads(layer1, kLayer1)), 1.190, 0.0005);
}

TEST(Eplb, GroupsThatNodesCannotShareAreIgnored) {
  EXPECT_EQ(place_eplb(kLayer0, 4, 8, 3, 2).expert_of_slot,
            place_eplb(kLayer0, 4, 8, 1, 1).expert_of_slot);
}

TEST(Eplb, HoldsEveryExpertAndSplitsTheLoadWithoutLoss) {
  std::vector<double> counts(256);
  for (std::size_t e = 0; e < counts.size(); ++e) counts[e] = static_cast<double>(1000 / (e + 1));
  const LayerPlacement placement = place_eplb(counts, 32, 32, 8, 4);
  EXPECT_EQ(placement.expert_of_slot.size(), 288u);
  EXPECT_EQ(placement.slots_per_group(), 9);
  double sum = 0;
  for (const double count : counts) sum += count;
  double placed = 0;
  for (const double load : group_loads(placement, counts)) placed += load;
  EXPECT_NEAR(placed, sum, 1e-9);
  for (const Ids& slots : placement.slots_of_expert) EXPECT_GE(slots.size(), 1u);
}

TEST(Eplb, IsNeverWorseThanLinearOnSkewedLoads) {
  std::vector<double> counts(64, 10);
  for (std::size_t e = 0; e < 8; ++e) counts[e] = 100;
  const double linear = max_over_mean(group_loads(place_linear(64, 8), counts));
  const double eplb = max_over_mean(group_loads(place_eplb(counts, 0, 8, 1, 1), counts));
  EXPECT_NEAR(linear, 800.0 / 170, 1e-9);  // All hot experts on the first group.
  EXPECT_NEAR(eplb, 1.0, 1e-9);            // One on each.
}

TEST(Eplb, UnroutedExpertsArePlacedToo) {
  const std::vector<double> counts(8, 0);
  const LayerPlacement placement = place_eplb(counts, 8, 4, 1, 1);
  for (const Ids& slots : placement.slots_of_expert) EXPECT_GE(slots.size(), 1u);
}

TEST(Linear, KeepsExpertsInOrder) {
  const LayerPlacement placement = place_linear(256, 32);
  EXPECT_EQ(placement.slots_per_group(), 8);
  EXPECT_EQ(placement.group_of_slot(placement.slots_of_expert[7][0]), 0);
  EXPECT_EQ(placement.group_of_slot(placement.slots_of_expert[8][0]), 1);
  EXPECT_EQ(placement.group_of_slot(placement.slots_of_expert[255][0]), 31);
}

TEST(Linear, RedundantSlotsStartOverAtExpertZero) {
  const LayerPlacement placement = place_linear(6, 4, 2);
  EXPECT_EQ(placement.expert_of_slot, (Ids{0, 1, 2, 3, 4, 5, 0, 1}));
  EXPECT_EQ(placement.slots_of_expert[1], (Ids{1, 7}));
}

TEST(RoundRobin, DealsExpertsOutLikeCards) {
  const LayerPlacement placement = place_round_robin(8, 4);
  EXPECT_EQ(placement.expert_of_slot, (Ids{0, 4, 1, 5, 2, 6, 3, 7}));
  for (std::int32_t e = 0; e < 8; ++e) {
    EXPECT_EQ(placement.group_of_slot(placement.slots_of_expert[e][0]), e % 4);
  }
}

// A heavy tail of neighbours lands on one group in order, and on all groups when dealt.
TEST(RoundRobin, BreaksUpNeighboursThatAreBusyTogether) {
  std::vector<double> counts(64, 10);
  for (std::size_t e = 0; e < 8; ++e) counts[e] = 100;
  EXPECT_NEAR(max_over_mean(group_loads(place_round_robin(64, 8), counts)), 1, 1e-12);
}

// Seven of twelve tokens; 6 1/2 with a second copy of the busiest expert and of the idlest.
TEST(Overload, IsTheFullestGroupOverTheMean) {
  const std::vector<double> counts = {1, 3, 2, 6};
  EXPECT_DOUBLE_EQ(overload(placement_of_slots({0, 3, 1, 2}, 4, 2), counts), 7.0 / 6);
  EXPECT_DOUBLE_EQ(overload(placement_of_slots({0, 3, 1, 3, 2, 0}, 4, 2), counts), 6.5 / 6);
  EXPECT_DOUBLE_EQ(overload(place_linear(4, 2), std::vector<double>(4, 0)), 1);
}

ModelSpec grouped_model(std::int64_t router_groups) {
  MoeSpec moe = made::experts(2048, 16, 2, 4096);
  moe.router.num_groups = router_groups;
  return made::model(2048, 4096, 4, made::moe_layer(2048, made::grouped(2048, 16, 4, 128), moe));
}

std::set<std::string> faulty_paths(const PlacementSpec& spec, std::int64_t router_groups = 1,
                                   std::int64_t nodes = 2) {
  ParallelPlan plan;
  plan.attention_dp = plan.ep = 8;
  std::set<std::string> paths;
  for (const PlanFault& fault : placement_faults(spec, grouped_model(router_groups), plan, nodes)) {
    EXPECT_FALSE(fault.allowed.empty());
    paths.insert(fault.path);
  }
  return paths;
}

TEST(PlacementFaults, CopiesThatNoLoadChoosesAreRefused) {
  PlacementSpec spec;
  EXPECT_TRUE(faulty_paths(spec).empty());
  spec.redundant_experts = 8;
  EXPECT_EQ(faulty_paths(spec), std::set<std::string>{"redundant_experts"});
  spec.rebalance_steps = 1000;  // EPLB takes over.
  EXPECT_TRUE(faulty_paths(spec).empty());
  spec.rebalance_steps = 0;
  spec.policy = PlacementPolicy::kEplb;
  EXPECT_TRUE(faulty_paths(spec).empty());
  spec.policy = PlacementPolicy::kCoactivation;
  EXPECT_TRUE(faulty_paths(spec).empty());
}

TEST(PlacementFaults, RoundRobinHasNoRedundantExperts) {
  PlacementSpec spec;
  spec.policy = PlacementPolicy::kRoundRobin;
  EXPECT_TRUE(faulty_paths(spec).empty());
  spec.redundant_experts = 8;
  spec.rebalance_steps = 1000;
  EXPECT_EQ(faulty_paths(spec), std::set<std::string>{"redundant_experts"});
}

TEST(PlacementFaults, HierarchicalNeedsRouterGroupsThatNodesCanShare) {
  PlacementSpec spec;
  spec.policy = PlacementPolicy::kEplb;
  spec.scope = EplbScope::kHierarchical;
  EXPECT_TRUE(faulty_paths(spec, 4, 2).empty());
  EXPECT_EQ(faulty_paths(spec, 1, 2), std::set<std::string>{"scope"});
  EXPECT_EQ(faulty_paths(spec, 4, 8), std::set<std::string>{"scope"});
}

}  // namespace
}  // namespace moesim
