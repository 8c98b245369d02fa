#include "sim/network/token_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/deployment/expert_placement.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

using made::cost_of;
using made::decodes;
using made::expert_parallel;
using made::prompt;

constexpr double kHidden = 2048 * 2;  // Bytes of a token in bf16.

StageCost step_of(DispatchPolicy policy, std::int64_t per_node = 4,
                  CombineFormat combine = CombineFormat::kBf16) {
  Deployment d = expert_parallel(4, per_node);
  d.dispatch = policy;
  d.combine = combine;
  return cost_of(d, std::vector<RankStep>(4, decodes(50, 500)));
}

// T H b (EP - 1) of each of four ranks with 50 tokens, in four layers; results come back likewise.
TEST(Dispatch, AllGatherSendsEveryTokenToEveryOtherRank) {
  for (const std::int64_t per_node : {2, 4}) {
    const TrafficTotals t = step_of(DispatchPolicy::kAllGather, per_node).traffic;
    EXPECT_NEAR(t.dispatch.value(), 4.0 * 4 * 50 * kHidden * 3, 1e-3);
    EXPECT_NEAR(t.combine.value(), t.dispatch.value(), 1e-3);
    EXPECT_NEAR((t.scale_up_sent + t.scale_out_sent).value(), (t.dispatch + t.combine).value(),
                1e-3);
    EXPECT_EQ(t.scale_up_sent, t.scale_up_received);
    EXPECT_EQ(t.scale_out_sent, t.scale_out_received);
    EXPECT_EQ(t.scale_out_sent > Bytes(0), per_node == 2);
  }
}

// The same messages as low latency, without its 16 bytes of metadata. Of 200 x 2 pairs a layer one
// in four stays at home on average.
TEST(Dispatch, AllToAllSendsEveryPairPlain) {
  const TrafficTotals plain = step_of(DispatchPolicy::kAllToAll).traffic;
  const TrafficTotals low = step_of(DispatchPolicy::kLowLatency).traffic;
  EXPECT_NEAR(low.dispatch / plain.dispatch, (kHidden + 16) / kHidden, 1e-12);
  EXPECT_EQ(low.combine, plain.combine);
  EXPECT_EQ(plain.dispatch, plain.combine);
  EXPECT_NEAR(plain.dispatch.value(), 4 * 400 * 0.75 * kHidden, 0.05 * 4 * 400 * kHidden);
}

// 10 bits a value and 4 bytes per 128: 2,624 bytes instead of 4,096.
TEST(Dispatch, LogFmtShrinksWhatComesBack) {
  const StageCost wide = step_of(DispatchPolicy::kLowLatency);
  const StageCost packed = step_of(DispatchPolicy::kLowLatency, 4, CombineFormat::kLogFmt10);
  EXPECT_NEAR(packed.traffic.combine / wide.traffic.combine, 2624.0 / 4096, 1e-12);
  EXPECT_EQ(packed.traffic.dispatch, wide.traffic.dispatch);
  EXPECT_LT(packed.time, wide.time);
  EXPECT_EQ(step_of(DispatchPolicy::kNormal, 4, CombineFormat::kLogFmt10).traffic.combine,
            step_of(DispatchPolicy::kNormal).traffic.combine);
}

TEST(Dispatch, AutoIsLowLatencyForDecodesAndNormalForPrompts) {
  const auto bytes = [](DispatchPolicy policy, const RankStep& step) {
    Deployment d = expert_parallel(4);
    d.dispatch = policy;
    return cost_of(d, std::vector<RankStep>(4, step)).traffic.dispatch;
  };
  const RankStep token = decodes(50, 500), text = prompt(50);
  EXPECT_EQ(bytes(DispatchPolicy::kAuto, token), bytes(DispatchPolicy::kLowLatency, token));
  EXPECT_EQ(bytes(DispatchPolicy::kAuto, text), bytes(DispatchPolicy::kNormal, text));
  EXPECT_NE(bytes(DispatchPolicy::kNormal, text), bytes(DispatchPolicy::kLowLatency, text));
}

// Experts work on the same tokens however these came.
TEST(Dispatch, EveryModeServesTheSamePairs) {
  for (const DispatchPolicy policy : {DispatchPolicy::kNormal, DispatchPolicy::kLowLatency,
                                      DispatchPolicy::kAllGather, DispatchPolicy::kAllToAll}) {
    const StageCost cost = step_of(policy);
    EXPECT_EQ(cost.routing.pairs, 4 * 400);
    EXPECT_EQ(cost.routing.layers.size(), 4u);
  }
}

// A latent expert input of a quarter of the hidden size: a quarter of the bytes.
TEST(Dispatch, LatentExpertsGetNarrowTokens) {
  Deployment d = expert_parallel(4);
  for (LayerSpec& layer : d.model.layers) layer.moe->expert_input = 512;
  EXPECT_EQ(dispatch_bytes(d, d.model.moe(), DispatchMode::kLowLatency), Bytes(16 + 1024));
  EXPECT_EQ(combine_bytes(d, d.model.moe(), DispatchMode::kLowLatency), Bytes(1024));
}

Deployment with_capacity(double factor, bool pad = false) {
  Deployment d = expert_parallel(4);
  d.tokens.policy = TokenPolicy::kPowerLaw;
  for (LayerSpec& layer : d.model.layers) {
    layer.moe->router.capacity.factor = factor;
    layer.moe->router.capacity.pad = pad;
  }
  return d;
}

TEST(StepCapacity, SurplusOfFullExpertsIsDropped) {
  const std::vector<RankStep> ranks(4, decodes(100, 500));
  const RoutingTally all = cost_of(with_capacity(0), ranks).routing;
  const RoutingTally ample = cost_of(with_capacity(16), ranks).routing;
  const RoutingTally tight = cost_of(with_capacity(1), ranks).routing;
  EXPECT_EQ(all.dropped, 0);
  EXPECT_EQ(ample.dropped, 0);
  EXPECT_EQ(ample.fullest_pairs, all.fullest_pairs);
  EXPECT_GT(tight.dropped, 0);
  EXPECT_EQ(tight.pairs + tight.dropped, all.pairs);
  // 400 x 2 / 16 = 50 pairs an expert, four experts a group, four layers.
  EXPECT_LE(tight.fullest_pairs, 4 * 4 * 50);
  EXPECT_GT(all.fullest_pairs, 4 * 4 * 50);
}

// Twice the mean in every expert: nobody waits for a fuller group.
TEST(StepCapacity, PaddedGroupsTakeEquallyLong) {
  const std::vector<RankStep> ranks(4, decodes(100, 500));
  const StageCost cost = cost_of(with_capacity(2, true), ranks);
  for (const DeviceLedger& rank : cost.ranks) {
    EXPECT_NEAR(rank.time[Activity::kImbalanceWait].value(), 0, 1e-12);
  }
  EXPECT_GT(cost_of(with_capacity(2), ranks).ranks[3].time[Activity::kImbalanceWait].value(), 0);
}

TEST(ServingFault, OnlyExpertChoiceCannotServe) {
  MoeSpec moe;
  for (const SelectionRule rule :
       {SelectionRule::kTopK, SelectionRule::kHash, SelectionRule::kRandomSecond,
        SelectionRule::kNoisyTopK, SelectionRule::kSparseMixer, SelectionRule::kBalancedAssignment,
        SelectionRule::kSinkhorn, SelectionRule::kQuantile}) {
    moe.router.rule = rule;
    EXPECT_TRUE(serving_fault(moe).empty());
  }
  moe.router.rule = SelectionRule::kExpertChoice;
  EXPECT_NE(serving_fault(moe).find("expert choice"), std::string::npos);
}

// Sequences with an even index choose experts 0 to 7, the others 8 to 15.
RoutingBank two_worlds() {
  RoutingBank bank;
  bank.num_layers = 4;
  bank.num_experts = 16;
  bank.top_k = 2;
  bank.sequences = 32;
  bank.sequence_tokens = 8;
  for (std::int64_t i = 0; i < 4 * 32 * 8; ++i) {
    const std::int64_t sequence = i / 8 % 32;
    const std::int64_t first = sequence % 2 * 8 + i % 4;
    bank.ids.push_back(static_cast<std::uint16_t>(first));
    bank.ids.push_back(static_cast<std::uint16_t>(first + 4));
  }
  return bank;
}

// One half of a layer's tokens tells where experts go, the other is served: it has eight experts
// only. A perfect profile serves all sixteen.
TEST(Profile, HeldOutTokensAreNotServed) {
  Deployment d = expert_parallel(4);
  d.placement.policy = PlacementPolicy::kEplb;
  const std::vector<std::vector<RankStep>> step = {std::vector<RankStep>(4, decodes(200, 500))};
  const auto hit = [&](PlacementProfile profile) {
    d.placement.profile = profile;
    const RoutingTally tally = made::costs_of(d, two_worlds(), step)[0].routing;
    return tally.decode_experts_hit / static_cast<double>(tally.decode_layers);
  };
  EXPECT_EQ(hit(PlacementProfile::kHeldOut), 8);
  EXPECT_EQ(hit(PlacementProfile::kServed), 16);
}

TEST(PlacementNodes, OnlyWholeNodesThatShareTheGroupsEvenly) {
  ParallelPlan plan;
  plan.attention_dp = plan.ep = 16;
  EXPECT_EQ(placement_nodes(plan, 8), 2);
  EXPECT_EQ(placement_nodes(plan, 16), 1);
  EXPECT_EQ(placement_nodes(plan, 72), 1);
  plan.attention_dp = plan.ep = 12;
  EXPECT_EQ(placement_nodes(plan, 8), 1);
  plan.attention_dp = 16;
  plan.ep = 1;
  plan.moe_tp = 16;
  EXPECT_EQ(placement_nodes(plan, 8), 1);
}

// Bytes per token between ranks, from the ids, against what steps really sent.
TEST(Traffic, MatrixAgreesWithTheStepsThatRan) {
  Deployment d = expert_parallel(4, 2);
  d.dispatch = DispatchPolicy::kNormal;
  const RoutingBank bank = make_routing_bank(d.model, d.tokens, 1);
  StepModel model(d, &bank);
  Stage stage = make_stage(d, 0, 0);
  StageCost cost;
  RoutingTally tally;
  double sent = 0, tokens = 0;
  for (int i = 0; i < 20; ++i) {
    model.run(stage, std::vector<RankStep>(4, decodes(500, 500)), cost);
    tally.add(cost.routing);
    sent += cost.traffic.dispatch.value();
    tokens += 2000;
  }
  const TrafficMatrix matrix = model.exchange()->traffic(tally);
  EXPECT_NEAR(matrix.total(), sent / tokens, 0.01 * matrix.total());
  EXPECT_EQ(tally.tokens_by_mode[0], 40000);
}

}  // namespace
}  // namespace moesim
