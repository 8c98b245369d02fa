#include "sim/step/step_model.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/spec/model_formats.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

using made::cost_of;
using made::decodes;
using made::expert_parallel;
using made::prompt;

Deployment dense(std::int64_t layers, std::int64_t tp = 1) {
  Deployment d = made::deployment(made::small_dense(layers), made::cluster(made::device(), tp));
  d.plan.tp = tp;
  return d;
}

Seconds time_of(const DeviceLedger& ledger, Activity activity) {
  return ledger.time[activity];
}

TEST(StepModel, IsLinearInLayers) {
  const std::vector<RankStep> ranks = {decodes(32, 1000)};
  const double two = cost_of(dense(2), ranks).time.value();
  const double four = cost_of(dense(4), ranks).time.value();
  const double six = cost_of(dense(6), ranks).time.value();
  EXPECT_NEAR(six - four, four - two, 1e-12);
  EXPECT_GT(four, two);
}

// One sequence: at 1 TB/s a decode step cannot be faster than reading the weights once, and here
// nothing else takes long.
TEST(StepModel, ReadsTheWeightsInEveryDecodeStep) {
  const Deployment d = dense(4);
  const double weights =
      2.0 * static_cast<double>(count_parameters(d.model).total - d.model.embedding_params());
  const double time = cost_of(d, {decodes(1, 1)}).time.value();
  EXPECT_GE(time, weights / 1e12);
  EXPECT_LE(time, weights / 1e12 * 1.02);
}

// 8,192 tokens at 1 PFLOP/s.
TEST(StepModel, IsBoundByComputeForLongPrompts) {
  const Deployment d = dense(4);
  const double params =
      static_cast<double>(count_parameters(d.model).total - 2 * d.model.embedding_params());
  const double floor = 2 * params * 8192 / 1e15;
  const StageCost cost = cost_of(d, {prompt(8192)});
  EXPECT_GE(time_of(cost.ranks[0], Activity::kCompute).value(), floor);
  EXPECT_EQ(time_of(cost_of(d, {decodes(1, 1)}).ranks[0], Activity::kCompute), Seconds(0));
}

TEST(StepModel, MoreBandwidthIsNeverSlower) {
  for (const std::int64_t sequences : {1, 64, 256}) {
    Deployment slow = dense(4), fast = dense(4);
    fast.cluster.node.device.memory_bandwidth *= 2;
    const std::vector<RankStep> ranks = {decodes(sequences, 2000)};
    EXPECT_LT(cost_of(fast, ranks).time, cost_of(slow, ranks).time) << sequences;
  }
}

TEST(StepModel, ActivitiesOfEveryRankAddUpToTheStep) {
  for (const Deployment& d : {dense(4, 2), expert_parallel(4)}) {
    std::vector<RankStep> ranks;
    for (std::int64_t i = 0; i < d.plan.attention_dp; ++i)
      ranks.push_back(decodes(8 + 40 * i, 700));
    const StageCost cost = cost_of(d, ranks);
    ASSERT_EQ(cost.ranks.size(), d.plan.stage_ranks());
    for (const DeviceLedger& rank : cost.ranks) {
      EXPECT_NEAR(rank.total_time() / cost.time, 1, 1e-12);
      EXPECT_GT(rank.total_energy(), Joules(0));
      EXPECT_LE(rank.total_energy(), Watts(1000) * cost.time);
    }
  }
}

// Half the rate of expert kernels: they take longer, whatever else the step does.
TEST(StepModel, ExpertFactorIsARate) {
  Deployment d = made::deployment(made::small_moe(), made::cluster(made::device(), 1));
  const Seconds stated = cost_of(d, {prompt(8192)}).time;
  d.serving.expert_factor = 0.5;
  EXPECT_GT(cost_of(d, {prompt(8192)}).time, stated);
  d.serving.expert_factor = 2;
  EXPECT_LT(cost_of(d, {prompt(8192)}).time, stated);
}

// Kernels at 4.3 kW, host at 250 W: the average of a step keeps to the limit, if it has to.
TEST(StepModel, DrawsNoMoreThanTheLimitOnAverage) {
  Deployment d = dense(4);
  d.cluster.node.device.family.power_tensor = 4;
  const StageCost full = cost_of(d, {prompt(8192)});
  EXPECT_NEAR(full.ranks[0].total_energy() / full.time / Watts(1000), 1, 1e-12);

  d.serving.step_time = 9 * full.time;
  const StageCost relaxed = cost_of(d, {prompt(8192)});
  EXPECT_GT(relaxed.ranks[0].total_energy(), 1.3 * full.ranks[0].total_energy());
  EXPECT_LT(relaxed.ranks[0].total_energy(), Watts(1000) * relaxed.time);
}

// An error of the prediction stretches every activity alike, up to what the device can draw.
TEST(StepModel, ErrorScalesTimeAndPowerUpToTheLimit) {
  Deployment d = dense(4);
  const std::vector<RankStep> ranks = {decodes(8, 1000)};
  const StageCost stated = cost_of(d, ranks);
  d.error.step_time = 1.5;
  d.error.device_power = 1.1;
  const StageCost off = cost_of(d, ranks);
  EXPECT_NEAR(off.time / stated.time, 1.5, 1e-12);
  EXPECT_NEAR(off.ranks[0].total_time() / off.time, 1, 1e-12);
  EXPECT_NEAR(off.ranks[0].total_energy() / stated.ranks[0].total_energy(), 1.65, 1e-9);

  d.error.device_power = 100;
  EXPECT_NEAR(cost_of(d, ranks).ranks[0].total_energy() / off.time / Watts(1000), 1, 1e-12);
}

// Eight-bit experts that are padded to 128 rows each take longer; others do not care, nor devices
// without such kernels, nor steps of fewer than 128 tokens.
TEST(StepModel, PadsAlignedExpertsInEightBit) {
  const auto padded = [](FormatName format, std::int64_t tokens, bool contiguous) {
    Deployment d = expert_parallel(4);
    d.cluster.node.device.family.contiguous_experts = contiguous;
    for (LayerSpec& layer : d.model.layers) set_routed_format(layer, named_format(format));
    const std::vector<RankStep> ranks(4, decodes(tokens, 100));
    const Seconds without = cost_of(d, ranks).time;
    d.serving.expert_alignment = 128;
    return cost_of(d, ranks).time > without;
  };
  EXPECT_TRUE(padded(FormatName::kFp8, 128, true));
  EXPECT_FALSE(padded(FormatName::kBf16, 128, true));
  EXPECT_FALSE(padded(FormatName::kFp8, 128, false));
  EXPECT_FALSE(padded(FormatName::kFp8, 4, true));
}

// A decode step above the largest graph is launched like one with prompts.
TEST(StepModel, LaunchesStepsAboveTheLargestGraphOneByOne) {
  Deployment d = dense(1);
  d.cluster.node.device.family.launch = Seconds(1e-6);
  d.cluster.node.device.family.eager_launch_factor = 2;
  const std::vector<RankStep> ranks = {decodes(64, 100)};
  const Seconds in_graph = cost_of(d, ranks).time;
  d.serving.largest_graph = 64;
  EXPECT_EQ(cost_of(d, ranks).time, in_graph);
  d.serving.largest_graph = 63;
  EXPECT_GT(cost_of(d, ranks).time, in_graph);
}

// Only layers with experts pay.
TEST(StepModel, LaunchesMoreInLayersWithExperts) {
  for (const bool experts : {false, true}) {
    Deployment d = experts ? expert_parallel(4) : dense(4);
    d.cluster.node.device.family.launch = Seconds(1e-6);
    const std::vector<RankStep> ranks(experts ? 4 : 1, decodes(4, 100));
    const Seconds before = cost_of(d, ranks).time;
    d.serving.moe_launch_factor = 2;
    EXPECT_EQ(cost_of(d, ranks).time > before, experts);
  }
}

// Without graphs the host starts kernels while the device works on those before: launches of 10 us
// mostly hide behind the kernels, but for what a graph would cost; those of 10 ms all show.
TEST(StepModel, HidesEagerLaunchesBehindLongKernels) {
  Deployment d = dense(4);
  const std::vector<RankStep> ranks = {decodes(64, 100)};
  const Seconds bare = cost_of(d, ranks).time;
  const auto added = [&](Seconds launch, bool graphs) {
    d.cluster.node.device.family.launch = launch;
    d.cluster.node.device.family.eager_launch_factor = 10;
    d.serving.cuda_graphs = graphs;
    return (cost_of(d, ranks).time - bare).value();
  };
  EXPECT_LT(added(Seconds(1e-6), false), 3 * added(Seconds(1e-6), true));
  EXPECT_GT(added(Seconds(1e-3), false), 9 * added(Seconds(1e-3), true));
}

// 882 bytes more for each logit of 64 sequences, at 1 TB/s.
TEST(StepModel, TakesLongerToSampleThanToTakeTheLikeliest) {
  Deployment d = dense(4);
  const std::vector<RankStep> ranks = {decodes(64, 100)};
  const Seconds greedy = cost_of(d, ranks).time;
  d.sampling = Sampling::kTopP;
  EXPECT_EQ(cost_of(d, ranks).time, greedy);  // No profile of an engine: a fused sampler.
  d.serving.top_p_sampling = 900;
  const double logits = 64 * static_cast<double>(d.model.vocab_size);
  EXPECT_NEAR((cost_of(d, ranks).time - greedy).value(), logits * (900 - 18) / 1e12, 1e-9);
}

// Two all-reduces per layer of 64 tokens x 2,048 x 2 bytes; two ranks send all of it once each.
TEST(StepModel, ReducesActivationsTwicePerLayer) {
  const StageCost cost = cost_of(dense(4, 2), {decodes(64, 100)});
  const double buffer = 64 * 2048 * 2;
  EXPECT_DOUBLE_EQ(cost.traffic.tensor_parallel.value(), 2 * 4 * 2 * buffer);
  EXPECT_DOUBLE_EQ(cost_of(dense(4, 1), {decodes(64, 100)}).traffic.tensor_parallel.value(), 0);
}

TEST(StepModel, ChargesTheHostPerStepAndSequence) {
  Deployment d = dense(4);
  const Seconds without = cost_of(d, {decodes(10, 100)}).time;
  d.serving.step_time = Seconds(1e-3);
  d.serving.sequence_time = Seconds(2e-4);
  const StageCost cost = cost_of(d, {decodes(10, 100)});
  EXPECT_NEAR((cost.time - without).value(), 3e-3, 1e-12);
  EXPECT_NEAR(time_of(cost.ranks[0], Activity::kOverhead).value(), 3e-3, 1e-12);
}

// A host that prepares the next step beside this one costs only what it needs more than the device.
TEST(StepModel, HidesTheHostBehindTheDevice) {
  Deployment d = dense(4);
  const Seconds alone = cost_of(d, {decodes(10, 100)}).time;
  d.serving.overlaps_host = true;
  d.serving.step_time = alone * 0.5;
  EXPECT_EQ(cost_of(d, {decodes(10, 100)}).time, alone);
  d.serving.step_time = alone * 3;
  const StageCost bound = cost_of(d, {decodes(10, 100)});
  EXPECT_DOUBLE_EQ(bound.time.value(), 3 * alone.value());
  EXPECT_NEAR(time_of(bound.ranks[0], Activity::kOverhead).value(), 2 * alone.value(), 1e-12);
}

TEST(StepModel, LaunchesPromptsEagerly) {
  Deployment d = dense(4);
  d.cluster.node.device.family.launch = Seconds(3e-6);
  d.cluster.node.device.family.eager_launch_factor = 2;
  const auto launching = [&](const RankStep& step) {
    return time_of(cost_of(d, {step}).ranks[0], Activity::kOverhead).value();
  };
  EXPECT_NEAR(launching(prompt(16)), 2 * launching(decodes(16, 100)), 1e-12);
}

// The rank without requests waits for the one that has them, and both run experts.
TEST(StepModel, IdleRanksWaitForBusyOnes) {
  RankStep nothing;
  nothing.batch.attention.resize(1);
  const StageCost cost = cost_of(expert_parallel(2), {decodes(64, 4000), nothing});
  EXPECT_GT(time_of(cost.ranks[1], Activity::kImbalanceWait),
            time_of(cost.ranks[0], Activity::kImbalanceWait));
  EXPECT_GT(time_of(cost.ranks[1], Activity::kMemory), Seconds(0));
}

TEST(StepModel, SendsEveryByteThatIsReceived) {
  const StageCost cost = cost_of(expert_parallel(4), std::vector<RankStep>(4, decodes(50, 500)));
  const TrafficTotals& t = cost.traffic;
  EXPECT_GT(t.dispatch, Bytes(0));
  EXPECT_DOUBLE_EQ(t.scale_up_sent.value(), t.scale_up_received.value());
  EXPECT_DOUBLE_EQ((t.dispatch + t.combine).value(), t.scale_up_sent.value());
}

// Back always 2,048 x 2. There, in normal mode: 8 + 2 x 8 more of metadata, rounded up to 16; in
// low-latency mode, which decode-only steps take by default: 16 more.
TEST(StepModel, CombineMirrorsDispatch) {
  const auto ratio = [](const RankStep& step) {
    const TrafficTotals t = cost_of(expert_parallel(4), std::vector<RankStep>(4, step)).traffic;
    return t.dispatch / t.combine;
  };
  EXPECT_NEAR(ratio(prompt(50)), 4128.0 / 4096.0, 1e-12);
  EXPECT_NEAR(ratio(decodes(50, 500)), 4112.0 / 4096.0, 1e-12);
}

// 800 pairs per layer over 4 groups: the mean group has 200.
TEST(StepModel, TalliesWhatTheRouterDid) {
  const StageCost cost = cost_of(expert_parallel(4), std::vector<RankStep>(4, decodes(100, 500)));
  EXPECT_EQ(cost.routing.decode_layers, 4);
  EXPECT_DOUBLE_EQ(cost.routing.mean_pairs, 4 * 200);
  EXPECT_GE(cost.routing.fullest_pairs, 4 * 200);
  EXPECT_DOUBLE_EQ(cost.routing.decode_experts_hit, 4 * 16);
}

// All gather and scatter instead of an all-to-all where two ranks share every expert.
TEST(StepModel, GathersTokensWhereExpertsAreSplit) {
  Deployment d = expert_parallel(4);
  d.plan.ep = 2;
  d.plan.moe_tp = 2;
  const StageCost cost = cost_of(d, std::vector<RankStep>(4, decodes(50, 500)));
  EXPECT_EQ(cost.traffic.dispatch, Bytes(0));
  // Each of 4 ranks sends 3/4 of 200 tokens x 4,096 bytes twice per layer.
  EXPECT_NEAR(cost.traffic.scale_up_sent.value(), 4 * 2 * 4 * 0.75 * 200 * 4096, 1);
}

}  // namespace
}  // namespace moesim
