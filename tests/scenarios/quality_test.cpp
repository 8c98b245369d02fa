// What a scenario says of quality, and the dense twins that it asks for.
#include <gtest/gtest.h>

#include "models/quality/scaling_laws.h"
#include "scenarios/cases/dense_twin_case.h"
#include "sim/deployment/expert_memory.h"
#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

const Deployment& deployment(const Scenario& scenario, std::size_t i) {
  return scenario.cases.at(i).deployment;
}

double total(const Deployment& d) {
  return static_cast<double>(count_parameters(d.model).total);
}

TEST(Twins, AreCasesBesideTheirOwn) {
  const Scenario scenario = read_text(kMoe + "    twins: [active, total, memory, quality]\n");
  ASSERT_EQ(scenario.cases.size(), 5u);
  EXPECT_EQ(scenario.cases[1].name, "a (dense, equal active)");
  EXPECT_EQ(scenario.cases[4].name, "a (dense, equal quality)");
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(scenario.cases[i].twin_of, "a");
    EXPECT_FALSE(deployment(scenario, i).model.is_moe());
    EXPECT_EQ(scenario.cases[i].infeasible, "");
    EXPECT_EQ(scenario.cases[i].workload, scenario.cases[0].workload);
    EXPECT_EQ(deployment(scenario, i).cluster.num_devices(), 8);
    EXPECT_EQ(deployment(scenario, i).plan.total_ranks(), 8);
  }
}

TEST(Twins, OfEqualParametersHaveThemWithinOnePercent) {
  const Scenario scenario = read_text(kMoe + "    twins: [active, total]\n");
  const ParameterCounts own = count_parameters(deployment(scenario, 0).model);
  EXPECT_NEAR(total(deployment(scenario, 1)) / static_cast<double>(own.active), 1, 0.01);
  EXPECT_NEAR(total(deployment(scenario, 2)) / static_cast<double>(own.total), 1, 0.01);
}

// By the scaling law: the loss of the dense twin is that of the MoE, to a thousandth of a nat.
TEST(Twins, OfEqualQualityHaveTheSameLoss) {
  const Scenario scenario = read_text(kMoe + "    twins: quality\n");
  const LawShape moe = law_shape(deployment(scenario, 0).model);
  const LawShape dense = law_shape(deployment(scenario, 1).model);
  const double tokens = deployment(scenario, 0).training.tokens;
  EXPECT_NEAR(joint_loss(dense.active, tokens, 1), joint_loss(moe.active, tokens, moe.experts),
              0.001);
  EXPECT_EQ(deployment(scenario, 1).training.tokens, tokens);
}

// Four requests of 32 + 8/2 tokens on one replica of eight devices: weights and 144 tokens of
// cache.
TEST(Twins, OfEqualMemoryHoldAsManyBytes) {
  const Scenario scenario = read_text(kMoe + "    twins: memory\n");
  const auto held = [&](std::size_t i) {
    const MemoryLedger memory = memory_ledger(deployment(scenario, i), nullptr);
    return memory.weights().value() + 144 * memory.kv_bytes_per_token.value();
  };
  EXPECT_NEAR(held(1) / held(0), 1, 0.01);
}

TEST(Twins, OfTheWholeScenarioConcernItsMoeCasesAlone) {
  const std::string both =
      kMoe + "  - name: b\n    model: qwen3-8b\n    cluster: {node: dgx-h100}\ntwins: [active]\n";
  const Scenario scenario = read_text(both);
  ASSERT_EQ(scenario.cases.size(), 3u);
  EXPECT_EQ(scenario.cases[1].twin_of, "a");
  EXPECT_EQ(scenario.cases[2].name, "b");
}

TEST(Twins, FollowTheirCaseThroughASweep) {
  const Scenario scenario =
      read_text(kMoe + "    twins: [active]\nsweep:\n  a.model.top_k: [4, 8]\n");
  ASSERT_EQ(scenario.cases.size(), 4u);
  EXPECT_EQ(scenario.cases[1].point, scenario.cases[0].point);
  EXPECT_LT(total(deployment(scenario, 1)), total(deployment(scenario, 3)));
  EXPECT_NE(scenario.cases[1].key, scenario.cases[0].key);
  EXPECT_EQ(read_row(scenario, 1, {}).size(), 2u);
}

TEST(Twins, AreTheSameAfterResolving) {
  const Scenario scenario = read_text(kMoe + "    twins: [active, quality]\n");
  const Scenario again = read_text(scenario.resolved);
  ASSERT_EQ(again.cases.size(), 3u);
  EXPECT_TRUE(again.cases[2].deployment.model.layers == scenario.cases[2].deployment.model.layers);
}

TEST(Twins, RefuseWhatTheyAreNot) {
  EXPECT_NE(refusal(kDense + "    twins: [active]\n").find("an MoE model expected"),
            std::string::npos);
  EXPECT_NE(refusal(kMoe + "    twins: [size]\n").find("s.yaml:10"), std::string::npos);
  EXPECT_NE(refusal(kMoe + "    twins: [active, active]\n").find("each twin once"),
            std::string::npos);
}

TEST(Quality, TakesTokensFromTheCaseThenTheScenarioThenThePublished) {
  EXPECT_EQ(deployment(read_text(kMoe), 0).training.tokens, 36e12);
  EXPECT_EQ(deployment(read_text(kMoe), 0).training.confidence, "published");
  const std::string common = kMoe + "quality: {training_tokens: 2e12}\n";
  EXPECT_EQ(deployment(read_text(common), 0).training.tokens, 2e12);
  const std::string own =
      kMoe + "    quality: {training_tokens: 1e12}\n" + "quality: {training_tokens: 2e12}\n";
  EXPECT_EQ(deployment(read_text(own), 0).training.tokens, 1e12);
  EXPECT_EQ(deployment(read_text(own), 0).training.confidence, "scenario");
}

TEST(Quality, OfAChangedModelIsBorrowed) {
  const Deployment resized = deployment(
      read_text(changed(kMoe, "qwen3-30b-a3b", "{name: qwen3-30b-a3b, num_experts: 64}")), 0);
  EXPECT_EQ(resized.training.tokens, 36e12);
  EXPECT_EQ(resized.training.confidence, "borrowed");
  EXPECT_FALSE(resized.training.assumed());
  const Deployment same = deployment(
      read_text(changed(kMoe, "qwen3-30b-a3b", "{name: qwen3-30b-a3b, num_experts: 128}")), 0);
  EXPECT_FALSE(same.training.assumed());
}

TEST(Quality, CanBeSwept) {
  const Scenario scenario = read_text(kMoe + "quality: {training_tokens: 1e12}\n" +
                                      "sweep:\n  quality.training_tokens: [1e12, 2e12]\n");
  ASSERT_EQ(scenario.cases.size(), 2u);
  EXPECT_EQ(deployment(scenario, 1).training.tokens, 2e12);
  EXPECT_NE(scenario.cases[0].key, scenario.cases[1].key);
}

TEST(Quality, RefusesWhatIsNoNumberOfTokens) {
  EXPECT_NE(refusal(kMoe + "quality: {training_tokens: many}\n").find("quality.training_tokens"),
            std::string::npos);
  EXPECT_NE(refusal(kMoe + "quality: {training_tokens: -1}\n"), "");
  EXPECT_NE(refusal(kMoe + "quality: {}\n"), "");
  EXPECT_NE(refusal(kMoe + "quality: {tokens: 1e12}\n"), "");
}

TEST(Demand, IsReadWithItsReference) {
  const Scenario scenario = read_text(kMoe + "demand: {elasticity: 0.8, reference: a}\n");
  ASSERT_TRUE(scenario.demand.has_value());
  EXPECT_EQ(scenario.demand->elasticity, 0.8);
  EXPECT_FALSE(read_text(kMoe).demand.has_value());
}

TEST(Demand, RefusesAStrangeReferenceAndElasticity) {
  EXPECT_NE(refusal(kMoe + "demand: {elasticity: 0.8, reference: b}\n").find("demand.reference"),
            std::string::npos);
  EXPECT_NE(refusal(kMoe + "demand: {elasticity: -1}\n").find("demand.elasticity"),
            std::string::npos);
  EXPECT_NE(refusal(kMoe + "demand: {reference: a}\n"), "");
}

}  // namespace
}  // namespace moesim
