// The reference training of docs/physics.md, "Balancing", again: 16 experts, top-2, 16
// topics, 4000 steps of 256 tokens. Bounds hold its three seeds and the first three of ours. Over
// twenty of ours, 1 to 7 experts die without balancing (4.8 in the mean), and at aux 0.01 none in
// 17 runs and 1, 1 and 5 in the others.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "models/router/training/gate_training.h"

namespace moesim {
namespace {

struct Setting {
  ScoreFunction score = ScoreFunction::kSoftmax;
  bool renormalise = true;
  BalanceRecipe balance = {};
};

TrainingRun train(const Setting& setting, std::uint64_t seed) {
  MoeSpec moe;
  moe.num_experts = 16;
  moe.top_k = 2;
  moe.router.score = setting.score;
  moe.router.renormalise = setting.renormalise;
  TrainingRecipe recipe;
  recipe.balance = setting.balance;
  return train_gate(moe, recipe, seed);
}

std::vector<TrainingRun> three_runs(const Setting& setting) {
  return {train(setting, 1), train(setting, 2), train(setting, 3)};
}

struct Range {
  double least = 0;
  double most = 0;
};
void expect_within(double value, Range range, const char* what) {
  EXPECT_GE(value, range.least) << what;
  EXPECT_LE(value, range.most) << what;
}

// One row of the table.
struct Row {
  Range max_over_mean;
  Range gini;
  Range dead_experts;
  Range task_loss;
};
void expect_row(const Setting& setting, const Row& row) {
  for (const TrainingRun& run : three_runs(setting)) {
    expect_within(run.final.max_over_mean, row.max_over_mean, "max over mean");
    expect_within(run.final.gini, row.gini, "Gini");
    expect_within(static_cast<double>(run.final.dead_experts), row.dead_experts, "dead experts");
    expect_within(run.final.task_loss, row.task_loss, "task loss");
  }
}

std::vector<std::size_t> dead_experts(const TrainingRun& run) {
  std::vector<std::size_t> dead;
  for (std::size_t e = 0; e < run.load_over_mean.size(); ++e) {
    if (run.load_over_mean[e] < 0.01) dead.push_back(e);
  }
  return dead;
}

Setting with(const std::function<void(BalanceRecipe&)>& change, Setting setting = {}) {
  change(setting.balance);
  return setting;
}

Setting with_aux(double weight) {
  return with([&](BalanceRecipe& balance) { balance.aux_loss = weight; });
}

Setting with_bias(ScoreFunction score) {
  return with([](BalanceRecipe& balance) { balance.bias_rate = 1e-3; }, {score, true, {}});
}

TEST(TrainingTable, SeveralExpertsDieWithoutBalancing) {
  expect_row({}, {{3.0, 4.5}, {0.55, 0.72}, {3, 7}, {0.31, 0.50}});
}

TEST(TrainingTable, AnAuxiliaryLossOfAThousandthComesTooLate) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const std::vector<std::size_t> alone = dead_experts(train({}, seed));
    const std::vector<std::size_t> nudged = dead_experts(train(with_aux(0.001), seed));
    std::vector<std::size_t> both;
    std::set_intersection(alone.begin(), alone.end(), nudged.begin(), nudged.end(),
                          std::back_inserter(both));
    EXPECT_GE(both.size() + 2, std::max(alone.size(), nudged.size()));
    EXPECT_GE(nudged.size(), 3U);
  }
}

TEST(TrainingTable, NoneDieAtAHundredth) {
  expect_row(with_aux(0.01), {{2.7, 4.0}, {0.45, 0.60}, {0, 0}, {0.30, 0.45}});
}

TEST(TrainingTable, ATenthFlattensTheLoad) {
  expect_row(with_aux(0.1), {{2.4, 3.3}, {0.25, 0.45}, {0, 0}, {0.27, 0.45}});
}

TEST(TrainingTable, WeightsThatAreNotRenormalisedCollapseToo) {
  expect_row({ScoreFunction::kSoftmax, false, {}},
             {{3.5, 5.9}, {0.63, 0.76}, {3, 8}, {0.43, 0.72}});
}

TEST(TrainingTable, SigmoidsKeepEveryExpertAliveButUneven) {
  expect_row({ScoreFunction::kSigmoid, true, {}}, {{2.7, 3.9}, {0.40, 0.62}, {0, 0}, {0.41, 0.54}});
}

TEST(TrainingTable, TheLossFreeBiasBalancesSigmoids) {
  expect_row(with_bias(ScoreFunction::kSigmoid), {{1.0, 1.03}, {0, 0.01}, {0, 0}, {0.36, 0.45}});
}

TEST(TrainingTable, TheLossFreeBiasBalancesSoftmaxAtTheLowestTaskLoss) {
  expect_row(with_bias(ScoreFunction::kSoftmax), {{1.0, 1.06}, {0, 0.015}, {0, 0}, {0.22, 0.29}});
  // The other rows begin at 0.30, but for this one.
  for (const TrainingRun& run : three_runs(with_aux(0.1))) EXPECT_GT(run.final.task_loss, 0.29);
}

// Beyond the table: each of the other cures does what it is for.

TEST(TrainingCures, ADeviceLossEvensOutDevicesButNotTheirExperts) {
  const Setting setting = with([](BalanceRecipe& balance) {
    balance.device_loss = 0.5;
    balance.devices = 4;
  });
  for (const TrainingRun& run : three_runs(setting)) {
    for (std::size_t first = 0; first < 16; first += 4) {
      const auto load = run.load_over_mean.begin() + static_cast<std::ptrdiff_t>(first);
      EXPECT_NEAR((load[0] + load[1] + load[2] + load[3]) / 4, 1, 0.2);
    }
    EXPECT_GT(run.final.gini, 0.35);
  }
}

TEST(TrainingCures, NoiseWithImportanceAndLoadLossesKeepsAllAlive) {
  MoeSpec moe;
  moe.num_experts = 16;
  moe.top_k = 2;
  moe.router.rule = SelectionRule::kNoisyTopK;
  moe.router.order = SelectionOrder::kTopKThenScore;
  TrainingRecipe recipe;
  recipe.balance.importance_loss = recipe.balance.load_loss = 0.1;  // Shazeer 2017.
  for (const std::uint64_t seed : {1, 2, 3}) {
    const TrainingPoint final = train_gate(moe, recipe, seed).final;
    EXPECT_EQ(final.dead_experts, 0);
    EXPECT_LT(final.max_over_mean, 1.7);
    EXPECT_LT(final.gini, 0.15);
  }
}

TEST(TrainingCures, ImportanceAloneCannotReachTheDead) {
  // Weights of unchosen experts have no gradient: the loss evens out the living only.
  const Setting setting = with([](BalanceRecipe& balance) { balance.importance_loss = 0.1; });
  for (const TrainingRun& run : three_runs(setting)) EXPECT_GE(run.final.dead_experts, 3);
}

TEST(TrainingCures, ASequenceLossOfIndependentTokensActsLikeTheBatchLoss) {
  const Setting setting = with([](BalanceRecipe& balance) { balance.sequence_aux_loss = 0.1; });
  EXPECT_NEAR(train(setting, 1).final.gini, train(with_aux(0.1), 1).final.gini, 0.05);
}

// DeepSeek-V3's scheme at its size: 256 experts, top-8 of 4 of 8 groups, sigmoid, bias.
TEST(TrainingSizes, TheLossFreeBiasBalancesDeepSeekV3) {
  MoeSpec moe;
  moe.num_experts = 256;
  moe.top_k = 8;
  moe.router.score = ScoreFunction::kSigmoid;
  moe.router.renormalise = true;
  moe.router.correction_bias = true;
  moe.router.num_groups = 8;
  moe.router.top_groups = 4;
  const TrainingPoint alone = train_gate(moe, {}, 1).final;
  TrainingRecipe recipe;
  recipe.balance.bias_rate = 1e-3;
  recipe.balance.sequence_aux_loss = 1e-4;
  const TrainingPoint balanced = train_gate(moe, recipe, 1).final;
  EXPECT_GT(alone.max_over_mean, 8);
  EXPECT_GT(alone.gini, 0.7);
  EXPECT_LT(balanced.max_over_mean, 2);
  EXPECT_LT(balanced.gini, 0.1);
  EXPECT_EQ(balanced.dead_experts, 0);
}

}  // namespace
}  // namespace moesim
