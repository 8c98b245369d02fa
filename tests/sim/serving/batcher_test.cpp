#include "sim/serving/batcher.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace moesim {
namespace {

struct Setup {
  const BatchPolicy* policy = batch_policy("mixed");
  BatcherLimits limits{.max_num_seqs = 8, .max_batched_tokens = 100, .batches_in_flight = 1};
  std::int64_t blocks = 1000;
  std::int64_t block_tokens = 4;
};

Batcher make(const Setup& setup) {
  return Batcher(setup.policy, setup.limits, KvPool(setup.blocks, {.tokens = setup.block_tokens}),
                 {0});
}

Request request(std::int64_t input, std::int64_t output) {
  return {Seconds(0), input, output};
}

// Plans and finishes one step; the step as planned.
RankStep advance(Batcher& batcher, StepOutcome& outcome) {
  RankStep step;
  batcher.plan(step);
  batcher.finish(step, Seconds(1), outcome);
  return step;
}

RankStep advance(Batcher& batcher) {
  StepOutcome outcome;
  return advance(batcher, outcome);
}

void expect_batch(const RankStep& step, std::int64_t decodes, std::int64_t prefill,
                  std::int64_t sampled) {
  EXPECT_EQ(step.batch.decode_tokens, decodes);
  EXPECT_EQ(step.batch.prefill_tokens, prefill);
  EXPECT_EQ(step.batch.sampled, sampled);
}

TEST(Batcher, GivesTheFirstTokenWithThePromptAndOnePerDecode) {
  Batcher batcher = make({});
  StepOutcome outcome;
  batcher.submit(request(50, 3), Seconds(0));
  expect_batch(advance(batcher, outcome), 0, 50, 1);
  EXPECT_EQ(outcome.first_token_waits.size(), 1u);
  expect_batch(advance(batcher, outcome), 1, 0, 1);
  EXPECT_TRUE(outcome.completed.empty());
  expect_batch(advance(batcher, outcome), 1, 0, 1);
  ASSERT_EQ(outcome.completed.size(), 1u);
  EXPECT_EQ(outcome.completed[0].output_tokens, 3);
  EXPECT_TRUE(batcher.idle());
  EXPECT_EQ(batcher.outstanding_tokens(), 0);
}

// Ten blocks of four tokens: a prompt of 20 and its next token take six.
TEST(Batcher, APrefillWorkerKeepsTheBlocksUntilTheCacheHasLeft) {
  Batcher batcher = make(
      {.limits = {.max_num_seqs = 8, .max_batched_tokens = 100, .hands_over = true}, .blocks = 10});
  StepOutcome outcome;
  EXPECT_FALSE(batcher.submit(request(40, 2), Seconds(0)));
  EXPECT_TRUE(batcher.submit(request(20, 1000), Seconds(0)));  // Its output grows elsewhere.
  EXPECT_TRUE(batcher.submit(request(20, 1000), Seconds(0)));
  expect_batch(advance(batcher, outcome), 0, 20, 1);
  ASSERT_EQ(outcome.prefilled.size(), 1u);
  EXPECT_EQ(batcher.pool().held(), 6);
  EXPECT_EQ(batcher.token_counts().output_inside, 999 + 1000);
  expect_batch(advance(batcher), 0, 0, 0);  // No room for the second prompt.
  batcher.release(outcome.prefilled[0]);
  EXPECT_EQ(batcher.pool().held(), 0);
  EXPECT_EQ(batcher.token_counts().output_inside, 1000);
  expect_batch(advance(batcher), 0, 20, 1);
}

TEST(Batcher, ADecodeWorkerHoldsBlocksForWhatIsToArrive) {
  Batcher batcher = make({.blocks = 10});
  const Prefilled prompt{
      .request = request(20, 3), .arrival = Seconds(0), .first_token = Seconds(1)};
  const auto slot = batcher.reserve(prompt);
  ASSERT_TRUE(slot);
  EXPECT_EQ(batcher.pool().held(), 6);
  EXPECT_FALSE(batcher.reserve(prompt));
  expect_batch(advance(batcher), 0, 0, 0);
  batcher.receive(*slot);
  EXPECT_EQ(batcher.token_counts().output_inside, 2);
  StepOutcome outcome;
  expect_batch(advance(batcher, outcome), 1, 0, 1);
  EXPECT_TRUE(outcome.first_token_waits.empty());
  expect_batch(advance(batcher, outcome), 1, 0, 1);
  ASSERT_EQ(outcome.completed.size(), 1u);
  EXPECT_EQ(outcome.completed[0].first_token, Seconds(1));
  EXPECT_EQ(batcher.outstanding_tokens(), 0);
  EXPECT_EQ(batcher.pool().held(), 0);
}

TEST(Batcher, CutsLongPromptsIntoChunks) {
  Batcher batcher = make({});
  batcher.submit(request(250, 1), Seconds(0));
  expect_batch(advance(batcher), 0, 100, 0);
  expect_batch(advance(batcher), 0, 100, 0);
  expect_batch(advance(batcher), 0, 50, 1);
}

// 60 + 60 tokens exceed a step of 100, and a prompt of 250 runs alone.
TEST(Batcher, TakesWholePromptsOnlyWhereTheyAreNotCut) {
  Batcher batcher = make({.limits = {.max_batched_tokens = 100, .chunked_prompts = false}});
  for (const std::int64_t input : {60, 60, 250}) batcher.submit(request(input, 1), Seconds(0));
  expect_batch(advance(batcher), 0, 60, 1);
  expect_batch(advance(batcher), 0, 60, 1);
  expect_batch(advance(batcher), 0, 250, 1);
  EXPECT_TRUE(batcher.idle());
}

// Blocks for 80 tokens: two requests of 20 + 20 are admitted if all of their output must fit, three
// if half of it must, four (of 21 each) would need 84 if none must.
TEST(Batcher, ReservesRoomForOutputBeforeItAdmits) {
  const auto admitted = [](double reserved) {
    Batcher batcher =
        make({.limits = {.reserved_output = reserved}, .blocks = 80, .block_tokens = 1});
    for (int i = 0; i < 4; ++i) batcher.submit(request(20, 20), Seconds(0));
    advance(batcher);
    return batcher.running();
  };
  EXPECT_EQ(admitted(1), 2);
  EXPECT_EQ(admitted(0.3), 3);
  EXPECT_EQ(admitted(0), 3);
}

// Looked at in step 1 and then in every third one: the second request, which came before step 2,
// starts in step 4.
TEST(Batcher, LooksAtItsQueueInIntervals) {
  Batcher batcher = make({.limits = {.admission_interval = 3}});
  batcher.submit(request(10, 9), Seconds(0));
  expect_batch(advance(batcher), 0, 10, 1);
  batcher.submit(request(20, 9), Seconds(0));
  expect_batch(advance(batcher), 1, 0, 1);
  expect_batch(advance(batcher), 1, 0, 1);
  expect_batch(advance(batcher), 1, 20, 2);
}

TEST(Batcher, NeverPreemptsWhatItReservedRoomFor) {
  Batcher batcher = make({.limits = {.reserved_output = 1}, .blocks = 20});
  for (int i = 0; i < 8; ++i) batcher.submit(request(8, 32), Seconds(0));
  while (!batcher.idle()) advance(batcher);
  EXPECT_EQ(batcher.preemptions(), 0);
  EXPECT_EQ(batcher.pool().free(), 20);
}

TEST(Batcher, FillsTheBudgetWithPromptsAfterTheDecodes) {
  Batcher batcher = make({});
  batcher.submit(request(10, 5), Seconds(0));
  advance(batcher);
  batcher.submit(request(80, 5), Seconds(0));
  batcher.submit(request(80, 5), Seconds(0));
  expect_batch(advance(batcher), 1, 99, 2);
  expect_batch(advance(batcher), 2, 61, 3);
}

TEST(Batcher, RunsPromptsAloneUnderPrefillFirst) {
  Batcher batcher = make({.policy = batch_policy("prefill_first")});
  batcher.submit(request(10, 5), Seconds(0));
  advance(batcher);
  batcher.submit(request(80, 5), Seconds(0));
  batcher.submit(request(80, 5), Seconds(0));
  expect_batch(advance(batcher), 0, 100, 1);
  expect_batch(advance(batcher), 0, 60, 1);
  expect_batch(advance(batcher), 3, 0, 3);
}

TEST(Batcher, RunsAtMostMaxNumSeqs) {
  Batcher batcher = make({});
  for (int i = 0; i < 10; ++i) batcher.submit(request(1, 2), Seconds(0));
  expect_batch(advance(batcher), 0, 8, 8);
  EXPECT_EQ(batcher.waiting(), 2);
}

TEST(Batcher, RejectsWhatCanNeverFit) {
  Batcher batcher = make({.blocks = 5});
  EXPECT_FALSE(batcher.submit(request(15, 6), Seconds(0)));
  EXPECT_TRUE(batcher.submit(request(15, 5), Seconds(0)));
  EXPECT_THROW(batcher.submit(request(0, 5), Seconds(0)), std::invalid_argument);
}

// Two prompts of 7 tokens hold 2 of the 4 blocks each: 8 tokens. Their second decode needs a third.
TEST(Batcher, PreemptsTheYoungestExactlyWhenBlocksRunOut) {
  Batcher batcher = make({.blocks = 4});
  batcher.submit(request(7, 6), Seconds(0));
  batcher.submit(request(7, 6), Seconds(0));
  expect_batch(advance(batcher), 0, 14, 2);
  expect_batch(advance(batcher), 2, 0, 2);
  EXPECT_EQ(batcher.preemptions(), 0);
  expect_batch(advance(batcher), 1, 0, 1);
  EXPECT_EQ(batcher.preemptions(), 1);
  EXPECT_EQ(batcher.waiting(), 1);
}

TEST(Batcher, NeverPreemptsWithEnoughBlocks) {
  Batcher batcher = make({.blocks = 8});  // 12 tokens each in the end, or 3 blocks.
  batcher.submit(request(7, 6), Seconds(0));
  batcher.submit(request(7, 6), Seconds(0));
  while (!batcher.idle()) advance(batcher);
  EXPECT_EQ(batcher.preemptions(), 0);
  EXPECT_EQ(batcher.token_counts().recomputed, 0);
}

// The younger one had cached 7 + 1 tokens when it was thrown out; it comes back with 7 + 2.
TEST(Batcher, RecomputesWhatAPreemptedSequenceHadCached) {
  Batcher batcher = make({.blocks = 4});
  StepOutcome outcome;
  batcher.submit(request(7, 6), Seconds(0));
  batcher.submit(request(7, 6), Seconds(0));
  while (!batcher.idle()) advance(batcher, outcome);
  EXPECT_EQ(outcome.completed.size(), 2u);
  EXPECT_EQ(outcome.first_token_waits.size(), 2u);
  const TokenCounts counts = batcher.token_counts();
  EXPECT_EQ(counts.recomputed, 8);
  EXPECT_EQ(counts.input_done, 14);
  EXPECT_EQ(counts.output_done, 12);
  EXPECT_EQ(batcher.outstanding_tokens(), 0);
}

TEST(Batcher, ConservesTokensAndBlocksAtEveryStep) {
  Batcher batcher = make({.blocks = 30});
  for (int i = 1; i <= 12; ++i) batcher.submit(request(5 * i, 3 + i), Seconds(0));
  const std::int64_t input = 5 * 78, output = 12 * 3 + 78;
  while (!batcher.idle()) {
    advance(batcher);
    const TokenCounts counts = batcher.token_counts();
    ASSERT_EQ(counts.input_done + counts.input_inside, input);
    ASSERT_EQ(counts.output_done + counts.output_inside, output);
    const KvPool& pool = batcher.pool();
    ASSERT_EQ(pool.allocated(), pool.released() + pool.held());
    ASSERT_LE(pool.held(), 30);
  }
  EXPECT_GT(batcher.preemptions(), 0);
  EXPECT_EQ(batcher.pool().held(), 0);
  EXPECT_EQ(batcher.token_counts().output_done, output);
}

// Contexts 10 and 20 after the prompts; each decode sees itself too.
TEST(Batcher, SumsTheKeysThatDecodesRead) {
  Batcher batcher(batch_policy("mixed"), {.max_batched_tokens = 100}, KvPool(100, {.tokens = 4}),
                  {0, 15});
  batcher.submit(request(10, 3), Seconds(0));
  batcher.submit(request(20, 3), Seconds(0));
  const RankStep prompts = advance(batcher);
  EXPECT_EQ(prompts.batch.attention[0].prefill_pairs, 10 * 11 / 2 + 20 * 21 / 2);
  const RankStep decodes = advance(batcher);
  EXPECT_EQ(decodes.batch.attention[0].decode_keys, 11 + 21);
  EXPECT_EQ(decodes.batch.attention[1].decode_keys, 11 + 15);
}

TEST(Batcher, SplitsDecodesOverTheBatchesInFlight) {
  Batcher batcher =
      make({.limits = {.max_num_seqs = 8, .max_batched_tokens = 100, .batches_in_flight = 2}});
  for (int i = 0; i < 6; ++i) batcher.submit(request(5, 9), Seconds(0));
  advance(batcher);
  RankStep first, second, third;
  batcher.plan(first);
  batcher.plan(second);
  batcher.plan(third);
  expect_batch(first, 3, 0, 3);
  expect_batch(second, 3, 0, 3);
  expect_batch(third, 0, 0, 0);
  EXPECT_NE(first.items[0].slot, second.items[0].slot);
}

}  // namespace
}  // namespace moesim
