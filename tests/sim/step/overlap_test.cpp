// Communication beside work: what it can save, and what it cannot.
#include <gtest/gtest.h>

#include "sim/step/half_batches.h"
#include "sim/step/step_model.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

using made::cost_of;
using made::decodes;
using made::expert_parallel;
using made::prompt;

Seconds time_of(const StageCost& cost, Activity activity) {
  return cost.ranks[0].time[activity];
}

// Long prompts on two nodes: work and dispatch both take long.
Deployment balanced_prompts() {
  Deployment d = expert_parallel(8, 4);
  d.tokens.policy = TokenPolicy::kBalanced;
  d.serving.dispatch_sms = 0;
  return d;
}
const std::vector<RankStep> kPrompts(8, prompt(8192));

void expect_whole_step(const StageCost& cost) {
  for (const DeviceLedger& rank : cost.ranks) {
    EXPECT_NEAR(rank.total_time() / cost.time, 1, 1e-9);
    EXPECT_LE(rank.total_energy(), Watts(1000) * cost.time * (1 + 1e-12));
  }
}

TEST(HalfBatches, HoldTheWholeBatch) {
  RankStep step = prompt(1001);
  for (std::int64_t i = 0; i < 7; ++i) step.batch.attention[0].add_decode(100 + i, 0);
  step.batch.decode_tokens = 7;
  step.batch.sampled = 8;
  const std::vector<RankStep> ranks = {step, step};
  HalfBatches halves;
  halves.take(ranks, true);
  ASSERT_EQ(halves.count(), 2u);
  const RankBatch &a = *halves.half(0)[1], &b = *halves.half(1)[1];
  EXPECT_EQ(a.decode_tokens, 4);
  EXPECT_EQ(b.decode_tokens, 3);
  EXPECT_EQ(a.prefill_tokens + b.prefill_tokens, 1001);
  EXPECT_EQ(a.sampled + b.sampled, 8);
  EXPECT_NEAR(a.attention[0].decode_keys + b.attention[0].decode_keys,
              step.batch.attention[0].decode_keys, 1e-9);
  EXPECT_NEAR(a.attention[0].prefill_pairs + b.attention[0].prefill_pairs,
              step.batch.attention[0].prefill_pairs, 1e-6);
}

TEST(HalfBatches, CutsNoSingleSequence) {
  const std::vector<RankStep> ranks = {decodes(8, 100), decodes(1, 100)};
  HalfBatches halves;
  halves.take(ranks, true);
  EXPECT_EQ(halves.count(), 1u);
  EXPECT_EQ(halves.half(0)[0], &ranks[0].batch);
}

// The better of work and travel alone is what no overlap can beat; both in turn is what it must.
TEST(Overlap, TwoBatchesHideTravelBehindWork) {
  Deployment d = balanced_prompts();
  const StageCost in_turn = cost_of(d, kPrompts);
  d.serving.two_batch_overlap = true;
  const StageCost beside = cost_of(d, kPrompts);
  const Seconds travel = time_of(in_turn, Activity::kCommunication);
  const Seconds work = in_turn.time - travel;
  ASSERT_GT(travel, 0.1 * in_turn.time);
  EXPECT_LT(beside.time, 0.97 * in_turn.time);
  EXPECT_GE(beside.time, 0.999 * std::max(travel, work));
  EXPECT_NEAR(beside.traffic.dispatch / in_turn.traffic.dispatch, 1, 0.01);
  expect_whole_step(beside);
}

// Few tokens: both halves read the weights of nearly all experts, and there is little to hide.
TEST(Overlap, TwoBatchesCostWhereWeightsAreReadTwice) {
  Deployment d = balanced_prompts();
  const std::vector<RankStep> ranks(8, decodes(8, 100));
  const Seconds in_turn = cost_of(d, ranks).time;
  d.serving.two_batch_overlap = true;
  EXPECT_GT(cost_of(d, ranks).time, in_turn);
}

TEST(Overlap, OneSequenceARankIsAsWithout) {
  Deployment d = balanced_prompts();
  const std::vector<RankStep> ranks(8, decodes(1, 100));
  const Seconds in_turn = cost_of(d, ranks).time;
  d.serving.two_batch_overlap = true;
  EXPECT_EQ(cost_of(d, ranks).time, in_turn);
}

// What moves the data cannot multiply: half of the SMs cost more than none, and low latency needs
// none.
TEST(Overlap, MovingTakesItsShareOfTheDevice) {
  Deployment d = balanced_prompts();
  d.serving.two_batch_overlap = true;
  const Seconds free = cost_of(d, kPrompts).time;
  d.serving.dispatch_sms = 50;
  const StageCost half = cost_of(d, kPrompts);
  EXPECT_GT(half.time, 1.02 * free);
  EXPECT_LT(half.time, 2 * free);
  expect_whole_step(half);

  const std::vector<RankStep> ranks(8, decodes(64, 100));
  const Seconds with = cost_of(d, ranks).time;
  d.serving.dispatch_sms = 0;
  EXPECT_EQ(cost_of(d, ranks).time, with);
}

TEST(Overlap, SharedExpertsHideBehindTheDispatch) {
  Deployment d = balanced_prompts();
  for (LayerSpec& layer : d.model.layers) layer.moe->shared_width = 1024;
  const Seconds with = cost_of(d, kPrompts).time;
  Deployment none = balanced_prompts();
  const Seconds without = cost_of(none, kPrompts).time;
  d.serving.shared_expert_overlap = true;
  const StageCost beside = cost_of(d, kPrompts);
  EXPECT_LT(beside.time, with);
  EXPECT_GE(beside.time, 0.999 * without) << "cannot save more than they cost";
  expect_whole_step(beside);
}

// Of each all-reduce over 8 ranks at most seven eighths go on beside the matrices next to it.
TEST(Overlap, AllReducesHideBehindTheirNeighbours) {
  Deployment d = made::deployment(made::small_dense(), made::cluster(made::device(), 8));
  d.plan.tp = 8;
  const std::vector<RankStep> ranks = {prompt(8192)};
  const StageCost in_turn = cost_of(d, ranks);
  d.serving.all_reduce_overlap = true;
  const StageCost beside = cost_of(d, ranks);
  const Seconds travel = time_of(in_turn, Activity::kCommunication);
  EXPECT_LT(beside.time, in_turn.time - 0.1 * travel);
  EXPECT_GE(beside.time, in_turn.time - travel * (7.0 / 8) - Seconds(1e-9));
  EXPECT_EQ(beside.traffic.tensor_parallel, in_turn.traffic.tensor_parallel);
  expect_whole_step(beside);
}

}  // namespace
}  // namespace moesim
