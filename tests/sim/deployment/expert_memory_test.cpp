#include "sim/deployment/expert_memory.h"

#include <gtest/gtest.h>

#include "tests/sim/made_deployment.h"

namespace moesim {
namespace {

// Sixteen experts over as many data-parallel ranks as asked for, two experts per token.
Deployment spread_over(std::int64_t ranks) {
  Deployment d = made::deployment(made::small_moe(), made::cluster(made::device(), ranks));
  d.plan.attention_dp = d.plan.ep = ranks;
  return d;
}

// Every token of a sequence chooses the two experts that `choose` names for the sequence.
template <class Choose>
RoutingBank bank_of(std::int64_t sequences, Choose choose) {
  RoutingBank bank;
  bank.num_layers = 1;
  bank.num_experts = 16;
  bank.top_k = 2;
  bank.sequences = sequences;
  bank.sequence_tokens = 4;
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const std::uint16_t first = choose(t / bank.sequence_tokens);
    bank.ids.push_back(first);
    bank.ids.push_back(static_cast<std::uint16_t>((first + 8) % 16));
  }
  return bank;
}

std::uint16_t always_zero(std::int64_t) {
  return 0;
}

TEST(FullestGroup, IsOneWhereTokensStay) {
  Deployment d = spread_over(4);
  d.plan = ParallelPlan{};
  d.plan.tp = d.plan.ep = 4;
  EXPECT_EQ(fullest_group_over_mean(d, bank_of(8, always_zero)), 1);
}

TEST(FullestGroup, TwoExpertsThatTakeAllFillTwoOfEightGroups) {
  EXPECT_EQ(fullest_group_over_mean(spread_over(8), bank_of(8, always_zero)), 4);
}

TEST(FullestGroup, OfTextsThatLoadEveryGroupAlikeIsOne) {
  // Experts 0 and 8, of both groups, whatever the text.
  EXPECT_EQ(fullest_group_over_mean(spread_over(2), bank_of(8, always_zero)), 1);
}

TEST(FullestGroup, IsTheWorstMixOfTextsNotTheMeanOne) {
  // Over many texts all experts are used alike, but a step holds the texts of eight ranks only.
  const auto own_expert = [](std::int64_t text) { return static_cast<std::uint16_t>(text % 8); };
  const double fullest = fullest_group_over_mean(spread_over(8), bank_of(64, own_expert));
  EXPECT_GT(fullest, 1.5);
  EXPECT_LE(fullest, 4);
}

TEST(FullestGroup, IsTheSameForTheSameSeed) {
  const auto own_expert = [](std::int64_t text) { return static_cast<std::uint16_t>(text % 8); };
  const RoutingBank bank = bank_of(64, own_expert);
  EXPECT_EQ(fullest_group_over_mean(spread_over(8), bank),
            fullest_group_over_mean(spread_over(8), bank));
}

TEST(ExpertMemory, BuffersOfTheFullestGroupGrowWithItsLoad) {
  const Deployment d = spread_over(8);
  const auto own_group = [](std::int64_t text) { return static_cast<std::uint16_t>(text % 8); };
  const RoutingBank skewed = bank_of(8, always_zero), spread = bank_of(64, own_group);
  const MemoryLedger of_skewed = memory_ledger(d, &skewed), of_spread = memory_ledger(d, &spread);
  EXPECT_EQ(of_skewed.fullest_over_mean, 4);
  EXPECT_DOUBLE_EQ(of_skewed.communication / of_spread.communication,
                   4 / of_spread.fullest_over_mean);
  EXPECT_GT(of_skewed.activations.value(), of_spread.activations.value());
  EXPECT_LT(of_skewed.kv_capacity_tokens, of_spread.kv_capacity_tokens);
  EXPECT_EQ(of_skewed.weights().value(), of_spread.weights().value());
}

TEST(ExpertMemory, CopiesOfHotExpertsRelieveTheFullestGroup) {
  Deployment d = spread_over(8);
  const RoutingBank bank = bank_of(8, always_zero);
  const double before = fullest_group_over_mean(d, bank);
  d.placement.policy = PlacementPolicy::kEplb;
  d.placement.redundant_experts = 8;
  EXPECT_LT(fullest_group_over_mean(d, bank), before);
}

}  // namespace
}  // namespace moesim
