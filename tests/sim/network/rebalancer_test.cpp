#include "sim/network/rebalancer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "models/spec/model_formats.h"
#include "sim/deployment/expert_placement.h"
#include "sim/serving/run_case.h"
#include "tests/sim/in_child.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

using made::decodes;
using made::expert_parallel;

// Three matrices of 2,048 x 4,096 in bf16.
constexpr double kExpertBytes = 3.0 * 2048 * 4096 * 2;

TEST(MovingCost, IsTheWeightsThatChangeRanks) {
  const Deployment d = expert_parallel(4, 2);
  const Stage stage = make_stage(d, 0, 0);
  PortLoads loads;
  // Experts 0 and 4 change places between ranks 0 and 1 of one node, 1 and 8 between nodes.
  LayerPlacement before = place_linear(16, 4), after;
  auto slots = before.expert_of_slot;
  std::swap(slots[0], slots[4]);
  std::swap(slots[1], slots[8]);
  after = placement_of_slots(slots, 16, 4);
  const MovingCost cost =
      moving_cost(d, d.model.layers.back(), stage.collectives.all_ranks(), before, after, loads);
  EXPECT_EQ(cost.copies, 4);
  EXPECT_DOUBLE_EQ(cost.bytes.value(), 4 * kExpertBytes);
  EXPECT_EQ(loads.scale_up_out, (std::vector<double>{kExpertBytes, kExpertBytes, 0, 0}));
  EXPECT_EQ(loads.scale_up_in, (std::vector<double>{kExpertBytes, kExpertBytes, 0, 0}));
  EXPECT_EQ(loads.scale_out_out, (std::vector<double>{kExpertBytes, 0, kExpertBytes, 0}));
  EXPECT_EQ(loads.scale_out_in, (std::vector<double>{kExpertBytes, 0, kExpertBytes, 0}));
  EXPECT_GE(cost.time.value(), kExpertBytes / 50e9);  // Through one network card.
}

TEST(MovingCost, UnchangedPlacementsCostNothing) {
  const Deployment d = expert_parallel(4);
  PortLoads loads;
  const MovingCost cost =
      moving_cost(d, d.model.layers.back(), make_stage(d, 0, 0).collectives.all_ranks(),
                  place_linear(16, 4), place_linear(16, 4), loads);
  EXPECT_EQ(cost.copies, 0);
  EXPECT_EQ(cost.time, Seconds(0));
}

// Two ranks share every expert: each sends its half to its counterpart.
TEST(MovingCost, RanksOfAGroupMoveTheirShares) {
  Deployment d = expert_parallel(4);
  d.plan.ep = d.plan.moe_tp = 2;
  auto slots = place_linear(16, 2).expert_of_slot;
  std::swap(slots[0], slots[8]);
  PortLoads loads;
  const MovingCost cost =
      moving_cost(d, d.model.layers.back(), make_stage(d, 0, 0).collectives.all_ranks(),
                  place_linear(16, 2), placement_of_slots(slots, 16, 2), loads);
  EXPECT_DOUBLE_EQ(cost.bytes.value(), 2 * kExpertBytes);
  EXPECT_EQ(loads.scale_up_out, std::vector<double>(4, kExpertBytes / 2));
}

// 44 MB for DeepSeek-V3 in fp8: 3 x 7168 x 2048 bytes (docs/physics.md, "Rebalancing").
TEST(MovingCost, AnExpertOfDeepSeekV3Is44Megabytes) {
  LayerSpec layer = expert_parallel(4).model.layers.back();
  layer.moe->expert_input = 7168;
  layer.moe->expert_width = 2048;
  set_routed_format(layer, named_format(FormatName::kFp8));
  EXPECT_NEAR(expert_bytes(layer).value(), 44.0e6, 0.1e6);
}

Deployment skewed(PlacementPolicy policy, std::int64_t rebalance_steps) {
  Deployment d = expert_parallel(4);
  d.tokens.policy = TokenPolicy::kPowerLaw;
  d.placement.policy = policy;
  d.placement.rebalance_steps = rebalance_steps;
  return d;
}

std::vector<StageCost> run_steps(const Deployment& d, std::size_t count) {
  const RoutingBank bank = make_routing_bank(d.model, d.tokens, 1);
  return made::costs_of(
      d, bank,
      std::vector<std::vector<RankStep>>(count, std::vector<RankStep>(4, decodes(200, 500))));
}

// Popularity falls with the expert's number: linear placement piles the busy ones on group 0.
TEST(Rebalancing, FreesALinearPlacementFromItsSkew) {
  const auto costs = run_steps(skewed(PlacementPolicy::kLinear, 3), 7);
  const auto overload = [&](std::size_t step) {
    return costs[step].routing.fullest_pairs / costs[step].routing.mean_pairs;
  };
  EXPECT_GT(overload(2), 1.5);
  EXPECT_LT(overload(3), 1.35);
  EXPECT_LT(overload(6), 1.35);
}

TEST(Rebalancing, MovesWeightsInTheStepThatIsDueOnly) {
  const auto costs = run_steps(skewed(PlacementPolicy::kLinear, 3), 7);
  for (const std::size_t step : {0, 1, 2, 4, 5}) {
    EXPECT_EQ(costs[step].traffic.weight_moves, Bytes(0)) << step;
  }
  const TrafficTotals& t = costs[3].traffic;
  EXPECT_GT(t.weight_moves, Bytes(0));
  const double copies = t.weight_moves.value() / kExpertBytes;
  EXPECT_DOUBLE_EQ(copies, std::round(copies));
  EXPECT_LE(copies, 4 * 16);
  EXPECT_NEAR(t.scale_up_sent.value(), (t.weight_moves + t.dispatch + t.combine).value(), 1);
  EXPECT_EQ(t.scale_up_sent, t.scale_up_received);
}

// The step with the moves is longer by at least what the fullest port needs, as communication.
TEST(Rebalancing, MovingTakesTimeAndEnergyOfCommunication) {
  const auto costs = run_steps(skewed(PlacementPolicy::kLinear, 3), 4);
  constexpr Activity kTalk = Activity::kCommunication;
  const double bytes = costs[3].traffic.weight_moves.value();
  EXPECT_GT((costs[3].ranks[0].time[kTalk] - costs[2].ranks[0].time[kTalk]).value(),
            bytes / 4 / 100e9);
  EXPECT_GT(costs[3].ranks[0].energy[kTalk], costs[2].ranks[0].energy[kTalk]);
  for (const DeviceLedger& rank : costs[3].ranks) {
    EXPECT_NEAR(rank.total_time() / costs[3].time, 1, 1e-12);
  }
}

// Without replicas the distinct experts of a step do not depend on where they lie.
TEST(Rebalancing, DrawsTheSameTokens) {
  const auto fixed = run_steps(skewed(PlacementPolicy::kLinear, 0), 6);
  const auto moved = run_steps(skewed(PlacementPolicy::kLinear, 2), 6);
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    EXPECT_EQ(fixed[i].routing.decode_experts_hit, moved[i].routing.decode_experts_hit) << i;
  }
  const auto again = run_steps(skewed(PlacementPolicy::kLinear, 2), 6);
  for (std::size_t i = 0; i < moved.size(); ++i) {
    EXPECT_EQ(moved[i].time, again[i].time);
    EXPECT_EQ(moved[i].traffic.weight_moves, again[i].traffic.weight_moves);
  }
}

double moved(const std::vector<StageCost>& costs, std::size_t step) {
  return costs[step].traffic.weight_moves.value();
}

// Once placed by its loads a layer has nothing more to gain but chance; without a least gain its
// experts move every time.
TEST(Rebalancing, StationaryLoadsMoveExpertsOnce) {
  Deployment d = skewed(PlacementPolicy::kLinear, 20);
  const auto once = run_steps(d, 61);
  EXPECT_GT(moved(once, 20), 0);
  EXPECT_EQ(moved(once, 40), 0);
  EXPECT_EQ(moved(once, 60), 0);
  d.placement.rebalance_gain = 0;
  const auto always = run_steps(d, 61);
  EXPECT_GE(moved(always, 20), moved(once, 20));
  EXPECT_GT(moved(always, 40), 0);
  d.placement.rebalance_gain = 10;
  EXPECT_EQ(moved(run_steps(d, 21), 20), 0);
}

TEST(Rebalancing, OneGroupHasNothingToBalance) {
  Deployment d = skewed(PlacementPolicy::kLinear, 1);
  d.plan.ep = 1;
  d.plan.moe_tp = 4;
  for (const StageCost& cost : run_steps(d, 3)) EXPECT_EQ(cost.traffic.weight_moves, Bytes(0));
}

// The whole simulation: one period without moves, then one for every so many steps; steps add up.
// With stationary tokens the first rebalancing gains, the later ones do not.
TEST(Rebalancing, ReportsItsPeriods) {
  for (const std::int64_t pp : {1, 2}) {
    const auto got = in_child([&] {
      Deployment d = skewed(PlacementPolicy::kLinear, 40);
      d.plan.pp = pp;
      d.cluster.node.devices = 4 * pp;
      const RoutingBank bank = make_routing_bank(d.model, d.tokens, 1);
      const Summary s = run_case(d, made::workload(ArrivalKind::kStatic, 400, 100, 100), &bank);
      const auto& periods = s.routing.periods;
      std::int64_t steps = 0, begun = 0;
      double bytes = 0;
      for (const BalancePeriod& p : periods) {
        if (p.stage == 0) steps += p.steps;
        if (p.stage == 0) ++begun;
        bytes += p.moved_bytes.value();
      }
      EXPECT_EQ(steps, s.steps);
      EXPECT_EQ(begun, (s.steps + 39) / 40);
      EXPECT_NEAR(bytes, s.traffic.weight_moves.value(), 1e-6 * bytes);
      EXPECT_EQ(periods[0].moved, 0);
      return std::vector{periods[0].overload, periods[pp].overload, periods.back().overload,
                         static_cast<double>(periods[pp].moved), periods[pp].moving.value()};
    });
    ASSERT_EQ(got.size(), 5u);
    EXPECT_GT(got[0], got[1] + 0.2);
    EXPECT_NEAR(got[1], got[2], 0.1);
    EXPECT_GT(got[3], 0);
    EXPECT_GT(got[4], 0);
  }
}

// What the summary says about unevenness.
TEST(RoutingSummary, CarriesTheFiguresOfEveryLayer) {
  const auto got = in_child([] {
    const Deployment d = skewed(PlacementPolicy::kLinear, 0);
    const RoutingBank bank = make_routing_bank(d.model, d.tokens, 1);
    const Summary s = run_case(d, made::workload(ArrivalKind::kStatic, 400, 100, 50), &bank);
    const RoutingSummary& r = s.routing;
    EXPECT_EQ(r.layers.size(), 4u);
    EXPECT_TRUE(r.periods.empty());
    EXPECT_EQ(r.dropped_share, 0);
    double overload = 0, bytes = 0;
    for (const LayerRouting& layer : r.layers) {
      EXPECT_GT(layer.max_over_mean, 1);
      EXPECT_GT(layer.gini, 0);
      overload += layer.overload / 4;
    }
    for (const auto& row : r.dispatch_bytes) bytes += std::accumulate(row.begin(), row.end(), 0.0);
    const double tokens = 400 * (100 + 49);
    return std::vector{overload, r.group_max_over_mean, r.imbalance_wait_share,
                       bytes * tokens / s.traffic.dispatch.value(),
                       static_cast<double>(r.dispatch_bytes.size())};
  });
  ASSERT_EQ(got.size(), 5u);
  EXPECT_GT(got[0], 1);
  EXPECT_NEAR(got[0], got[1], 0.05);
  EXPECT_GT(got[2], 0);
  EXPECT_LT(got[2], 1);
  EXPECT_NEAR(got[3], 1, 0.02);
  EXPECT_EQ(got[4], 4);
}

}  // namespace
}  // namespace moesim
