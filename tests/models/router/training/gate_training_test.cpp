#include "models/router/training/gate_training.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "base/random.h"
#include "models/config/catalog.h"
#include "models/router/training/dense_loops.h"
#include "models/router/training/gate_trainer.h"
#include "models/router/training/linear_experts.h"
#include "models/router/training/topic_task.h"

namespace moesim {
namespace {

using Floats = std::vector<float>;
using Ids = std::vector<std::uint16_t>;

// Softmax, renormalised, top-2: what collapses first.
MoeSpec softmax_moe(std::int64_t experts = 16, std::int64_t top_k = 2) {
  MoeSpec moe;
  moe.num_experts = experts;
  moe.top_k = top_k;
  moe.router.renormalise = true;
  return moe;
}

TrainingRecipe short_recipe(std::int64_t steps, std::int64_t batch_tokens = 32) {
  TrainingRecipe recipe;
  recipe.steps = steps;
  recipe.batch_tokens = batch_tokens;
  return recipe;
}

bool is_finite(const TrainingRun& run) {
  const auto finite = [](const TrainingPoint& point) {
    return std::isfinite(point.task_loss) && std::isfinite(point.max_over_mean) &&
           std::isfinite(point.gini);
  };
  return finite(run.final) && std::all_of(run.history.begin(), run.history.end(), finite) &&
         std::all_of(run.load_over_mean.begin(), run.load_over_mean.end(),
                     [](double load) { return std::isfinite(load); });
}

Floats random_floats(std::size_t count, std::string_view name) {
  RandomStream random(1, name);
  Floats values(count);
  for (float& value : values) value = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

TEST(DenseLoops, AreMatrixProducts) {
  // [1 2 3 4] times rows (1 0), (0 1), (1 1), (2 0) is (1 + 3 + 8, 2 + 3).
  const Floats x = {1, 2, 3, 4}, m = {1, 0, 0, 1, 1, 1, 2, 0};
  Floats product(2, 0.0F);
  add_product({x.data(), 1, 4, 4}, {m.data(), 4, 2, 2}, product.data());
  EXPECT_EQ(product, (Floats{12, 5}));
  EXPECT_EQ(dot(x.data(), x.data(), 4), 30);
}

TEST(DenseLoops, OuterProductsAddUpWhateverTheNumberOfRows) {
  constexpr std::int64_t kIn = 3, kOut = 5;
  for (std::int64_t rows = 0; rows < 10; ++rows) {
    const Floats x = random_floats(static_cast<std::size_t>(rows * kIn), "x");
    const Floats y = random_floats(static_cast<std::size_t>(rows * kOut), "y");
    Floats product(kIn * kOut, 0.0F);
    add_outer_products({x.data(), rows, kIn, kIn}, {y.data(), rows, kOut, kOut}, product.data());
    for (std::int64_t i = 0; i < kIn * kOut; ++i) {
      double expected = 0;
      for (std::int64_t t = 0; t < rows; ++t) {
        expected += double{x[t * kIn + i / kOut]} * double{y[t * kOut + i % kOut]};
      }
      EXPECT_NEAR(product[i], expected, 1e-5);
    }
  }
}

TEST(DenseLoops, AStepIsNeverLongerThanItsRateTimesTheLargestNorm) {
  Floats values = {0, 0, 0, 0};
  const Floats gentle = {3, 0, 4, 0}, steep = {3e10F, 0, 4e10F, 0};
  clipped_step(values.data(), gentle.data(), 4, 0.5);
  EXPECT_EQ(values, (Floats{-1.5F, 0, -2, 0}));
  values = {0, 0, 0, 0};
  clipped_step(values.data(), steep.data(), 4, 0.5);
  EXPECT_NEAR(values[0], -0.5 * kLargestNorm * 0.6, 1e-5);
  EXPECT_NEAR(values[2], -0.5 * kLargestNorm * 0.8, 1e-5);
}

TEST(TopicTask, HasTheReferenceSizesAndGrowsWithTheExperts) {
  EXPECT_EQ(num_topics(4), 16);
  EXPECT_EQ(state_width(16), 16);
  EXPECT_EQ(num_topics(256), 256);
  EXPECT_EQ(state_width(256), 32);
  EXPECT_EQ(state_width(160), 32);  // 4 log2(160) = 29.3, in blocks of 4.
}

TEST(TopicTask, StatesAndTargetsAreAsLongAsTheyShouldBe) {
  // |x|^2 = 4 (1 + 16 * 0.15^2) = 5.44 in the mean; B keeps lengths, but there are only 16 of it.
  TopicTask task(16, 1);
  TopicBatch batch;
  task.draw(20'000, batch);
  const auto mean_square = [](const Floats& rows) {
    return std::inner_product(rows.begin(), rows.end(), rows.begin(), 0.0) / 20'000;
  };
  EXPECT_NEAR(mean_square(batch.states), 5.44, 0.05);
  EXPECT_NEAR(mean_square(batch.targets), 5.44, 1.5);
}

TEST(TopicTask, PopularityIsZipf) {
  // With one topic's states all close to its direction, the first token's topic recurs with the
  // chance sum_i p_i^2 = (sum 1/i^2) / (sum 1/i)^2 = 1.584 / 11.43 = 0.139 for 16 topics.
  TopicTask task(16, 2);
  TopicBatch batch;
  constexpr std::int64_t kPairs = 20'000;
  task.draw(2 * kPairs, batch);
  std::int64_t close = 0;
  for (std::int64_t pair = 0; pair < kPairs; ++pair) {
    const float* one = batch.states.data() + 2 * pair * 16;
    const float product = dot(one, one + 16, 16);
    // Same topic: 4 (1 +- 0.2); others: 4 cos with |cos| about 1/4.
    close += product > 2.6F ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(close) / kPairs, 0.139, 0.03);
}

// One batch for three experts of width 4, the third an identity.
struct ExpertBatch {
  Floats states = random_floats(5 * 4, "states");
  Floats targets = random_floats(5 * 4, "targets");
  Ids ids = {0, 1, 1, 2, 0, 2, 2, kNoExpert, 1, 0};
  Floats weights = random_floats(10, "weights");
};

TEST(LinearExperts, WeightGradientIsExact) {
  const ExpertBatch batch;
  LinearExperts experts(2, 1, 4, 1);
  Floats gradient(10), ignored(10);
  const auto loss_at = [&](const Floats& weights) {
    return experts.forward(batch.states, batch.targets, {batch.ids, weights}, ignored);
  };
  experts.forward(batch.states, batch.targets, {batch.ids, batch.weights}, gradient);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    Floats up = batch.weights, down = batch.weights;
    up[i] += 0.5F;  // The loss is quadratic in a weight: central differences are exact.
    down[i] -= 0.5F;
    EXPECT_NEAR(gradient[i], loss_at(up) - loss_at(down), 1e-6) << i;
  }
  EXPECT_EQ(gradient[7], 0);  // Not sent.
}

TEST(LinearExperts, DescendTheirLoss) {
  const ExpertBatch batch;
  LinearExperts experts(2, 1, 4, 1);
  Floats ignored(10);
  double last = std::numeric_limits<double>::infinity();
  for (int step = 0; step < 20; ++step) {
    const double loss =
        experts.forward(batch.states, batch.targets, {batch.ids, batch.weights}, ignored);
    EXPECT_LT(loss, last);
    last = loss;
    experts.learn(0.1);
  }
}

TEST(LinearExperts, LearnALinearTargetCompletely) {
  const Floats states = random_floats(64 * 4, "states");
  Floats targets = states;
  for (float& target : targets) target *= -0.5F;
  const Ids ids(64, 0);
  const Floats weights(64, 1.0F);
  LinearExperts experts(1, 0, 4, 1);
  Floats ignored(64);
  double loss = 0;
  for (int step = 0; step < 200; ++step) {
    loss = experts.forward(states, targets, {ids, weights}, ignored);
    experts.learn(0.5);
  }
  EXPECT_LT(loss, 1e-6);
}

TEST(LinearExperts, ZeroExpertsReturnTheirInput) {
  const Floats states = random_floats(3 * 4, "states");
  const Floats weights(3, 1.0F);
  Floats ignored(3);
  LinearExperts experts(2, 1, 4, 1);
  EXPECT_EQ(experts.forward(states, states, {Ids{2, 2, 2}, weights}, ignored), 0);
}

TEST(GateTraining, SameSeedSameRun) {
  const TrainingRecipe recipe = short_recipe(100);
  const TrainingRun one = train_gate(softmax_moe(), recipe, 1);
  const TrainingRun again = train_gate(softmax_moe(), recipe, 1);
  const TrainingRun other = train_gate(softmax_moe(), recipe, 2);
  EXPECT_EQ(one.load_over_mean, again.load_over_mean);
  EXPECT_EQ(one.final.task_loss, again.final.task_loss);
  EXPECT_NE(one.final.task_loss, other.final.task_loss);
}

TEST(GateTraining, EveryChoiceIsCounted) {
  GateTrainer trainer(softmax_moe(), short_recipe(1, 48), 1);
  trainer.step();
  EXPECT_EQ(std::accumulate(trainer.load().begin(), trainer.load().end(), 0.0), 48 * 2);
}

TEST(GateTraining, HistoryCoversTheRunInAtMostAHundredPoints) {
  for (const std::int64_t steps : {1, 7, 100, 101, 250}) {
    const TrainingRun run = train_gate(softmax_moe(4, 1), short_recipe(steps, 16), 1);
    EXPECT_GE(run.history.size(), std::min<std::size_t>(static_cast<std::size_t>(steps), 50));
    EXPECT_LE(run.history.size(), 100U);
    EXPECT_EQ(run.history.back().step, steps);
    EXPECT_EQ(run.final.step, steps);
  }
}

TEST(GateTraining, LoadsOverTheirMeanAverageOne) {
  const TrainingRun run = train_gate(softmax_moe(), short_recipe(50), 1);
  ASSERT_EQ(run.load_over_mean.size(), 16U);
  EXPECT_NEAR(std::accumulate(run.load_over_mean.begin(), run.load_over_mean.end(), 0.0), 16, 1e-9);
  EXPECT_EQ(*std::max_element(run.load_over_mean.begin(), run.load_over_mean.end()),
            run.final.max_over_mean);
}

TEST(GateTraining, WithoutRatesNothingIsLearned) {
  TrainingRecipe recipe = short_recipe(200, 256);
  recipe.gate_rate = recipe.expert_rate = 0;
  const TrainingRun run = train_gate(softmax_moe(), recipe, 1);
  EXPECT_NEAR(run.final.task_loss / run.history.front().task_loss, 1, 0.1);
  recipe.expert_rate = 0.05;
  EXPECT_LT(train_gate(softmax_moe(), recipe, 1).final.task_loss, 0.8 * run.final.task_loss);
}

TEST(GateTraining, AllExpertsOfEveryTokenMakePerfectBalance) {
  const TrainingRun run = train_gate(softmax_moe(4, 4), short_recipe(20), 1);
  EXPECT_EQ(run.final.max_over_mean, 1);
  EXPECT_EQ(run.final.gini, 0);
}

TEST(GateTraining, CollapsesWithoutBalancingAndNotWithTheLossFreeBias) {
  // A quarter of the reference's steps at a larger bias rate; tests/laws has the full table.
  TrainingRecipe recipe = short_recipe(800, 128);
  const TrainingRun collapsed = train_gate(softmax_moe(), recipe, 1);
  EXPECT_GT(collapsed.final.max_over_mean, 2);
  EXPECT_GT(collapsed.final.gini, 0.4);
  EXPECT_EQ(std::count_if(collapsed.load_over_mean.begin(), collapsed.load_over_mean.end(),
                          [](double load) { return load < 0.01; }),
            collapsed.final.dead_experts);
  recipe.balance.bias_rate = 5e-3;
  const TrainingRun balanced = train_gate(softmax_moe(), recipe, 1);
  EXPECT_LT(balanced.final.max_over_mean, 1.2);
  EXPECT_EQ(balanced.final.dead_experts, 0);
}

TEST(GateTraining, TheBiasOfZeroExpertsStaysAsItIs) {
  MoeSpec moe = softmax_moe(8, 2);
  moe.router.num_zero_experts = 4;
  TrainingRecipe recipe = short_recipe(50);
  recipe.balance.bias_rate = 1e-3;
  GateTrainer trainer(moe, recipe, 1);
  for (int step = 0; step < 50; ++step) trainer.step();
  const std::span<const float> correction = trainer.correction();
  ASSERT_EQ(correction.size(), 12U);
  EXPECT_TRUE(
      std::all_of(correction.begin() + 8, correction.end(), [](float c) { return c == 0; }));
  EXPECT_TRUE(
      std::any_of(correction.begin(), correction.begin() + 8, [](float c) { return c != 0; }));
}

TEST(GateTraining, JitterMovesAFewChoices) {
  MoeSpec moe = softmax_moe();
  GateTrainer plain(moe, short_recipe(1, 4096), 1);
  moe.router.jitter = 0.01;
  GateTrainer jittered(moe, short_recipe(1, 4096), 1);
  plain.step();
  jittered.step();
  double moved = 0;
  for (std::size_t e = 0; e < 16; ++e) moved += std::abs(plain.load()[e] - jittered.load()[e]);
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 0.02 * 2 * 4096);
}

TEST(GateTraining, GroupLimitedSigmoidTrains) {
  MoeSpec moe = softmax_moe(32, 4);
  moe.router.score = ScoreFunction::kSigmoid;
  moe.router.correction_bias = true;
  moe.router.num_groups = 4;
  moe.router.top_groups = 2;
  TrainingRecipe recipe = short_recipe(50);
  recipe.balance.bias_rate = 1e-3;
  recipe.balance.sequence_aux_loss = 1e-4;
  recipe.balance.communication_loss = 0.02;
  recipe.balance.devices = 4;
  EXPECT_TRUE(is_finite(train_gate(moe, recipe, 1)));
}

TEST(GateTraining, RulesThatBalanceABatchKeepItBalanced) {
  for (const SelectionRule rule : {SelectionRule::kBalancedAssignment, SelectionRule::kQuantile}) {
    MoeSpec moe = softmax_moe(8, rule == SelectionRule::kQuantile ? 2 : 1);
    moe.router.rule = rule;
    EXPECT_LT(train_gate(moe, short_recipe(100, 64), 1).final.max_over_mean, 1.2);
  }
}

TEST(GateTraining, GshardsSecondExpertsAreSometimesLeftOut) {
  MoeSpec moe = softmax_moe();
  moe.router.rule = SelectionRule::kRandomSecond;
  GateTrainer trainer(moe, short_recipe(1, 4096), 1);
  // At the start weights are even: g_2 is close to 1/2, and few second experts are left out.
  trainer.step();
  const double sent = std::accumulate(trainer.load().begin(), trainer.load().end(), 0.0);
  EXPECT_LT(sent, 2 * 4096);
  EXPECT_GT(sent, 1.9 * 4096);
}

TEST(GateTraining, StaysFiniteAtTheEdgeOfEveryRange) {
  for (const ScoreFunction score :
       {ScoreFunction::kSoftmax, ScoreFunction::kSigmoid, ScoreFunction::kSqrtSoftplus}) {
    for (const bool noisy : {false, true}) {
      MoeSpec moe = softmax_moe();
      moe.router.score = score;
      moe.router.renormalise = noisy;
      moe.router.scaling = 16;
      moe.router.gate_bias = true;
      if (noisy) moe.router.rule = SelectionRule::kNoisyTopK;
      TrainingRecipe recipe = short_recipe(300, 16);
      recipe.gate_rate = recipe.expert_rate = 1;
      BalanceRecipe& balance = recipe.balance;
      balance.aux_loss = balance.sequence_aux_loss = balance.gshard_loss = balance.z_loss = 10;
      balance.importance_loss = balance.device_loss = balance.communication_loss = 10;
      balance.devices = 4;
      (noisy ? balance.load_loss : balance.bias_rate) = noisy ? 10 : 1;
      ASSERT_EQ(recipe_fault(moe, recipe), "");
      EXPECT_TRUE(is_finite(train_gate(moe, recipe, 1)));
    }
  }
}

TEST(GateTraining, EveryMoeOfTheCatalogTrainsButSparseMixers) {
  for (const std::string& name : catalog_names()) {
    const ModelSpec model = load_model(name);
    if (!model.is_moe()) continue;
    const std::string fault = recipe_fault(model.moe(), {});
    if (model.moe().router.rule == SelectionRule::kSparseMixer) {
      EXPECT_NE(fault, "") << name;
      continue;
    }
    EXPECT_EQ(fault, "") << name;
    EXPECT_TRUE(is_finite(train_gate(model.moe(), short_recipe(2, 16), 1))) << name;
  }
}

// The fault of a changed recipe or scheme.
struct Refusal {
  MoeSpec moe = softmax_moe();
  TrainingRecipe recipe = {};

  // The fault must name the field, and training must refuse it alike.
  void expect(const std::string& field) const {
    const std::string fault = recipe_fault(moe, recipe);
    EXPECT_EQ(fault.rfind(field, 0), 0U) << fault;
    try {
      train_gate(moe, recipe, 1);
      ADD_FAILURE() << "not refused: " << field;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(error.what(), fault);
    }
  }
};

TEST(RecipeFault, NamesEveryNumberBeyondItsRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [field, name] : {std::pair{&TrainingRecipe::gate_rate, "gate_rate"},
                                    std::pair{&TrainingRecipe::expert_rate, "expert_rate"}}) {
    for (const double wrong : {-0.1, 1.1, nan}) {
      Refusal refusal;
      refusal.recipe.*field = wrong;
      refusal.expect(name);
    }
  }
  for (const auto& [field, name] :
       {std::pair{&BalanceRecipe::aux_loss, "aux_loss"},
        std::pair{&BalanceRecipe::sequence_aux_loss, "sequence_aux_loss"},
        std::pair{&BalanceRecipe::gshard_loss, "gshard_loss"},
        std::pair{&BalanceRecipe::z_loss, "z_loss"},
        std::pair{&BalanceRecipe::importance_loss, "importance_loss"},
        std::pair{&BalanceRecipe::load_loss, "load_loss"},
        std::pair{&BalanceRecipe::device_loss, "device_loss"},
        std::pair{&BalanceRecipe::communication_loss, "communication_loss"},
        std::pair{&BalanceRecipe::bias_rate, "bias_rate"}}) {
    for (const double wrong : {-1.0, 10.5, nan}) {
      Refusal refusal;
      refusal.recipe.balance.*field = wrong;
      refusal.expect(name);
    }
  }
  for (const std::int64_t wrong : {-1, 0, 100'001})
    Refusal{softmax_moe(), short_recipe(wrong)}.expect("steps");
  for (const std::int64_t wrong : {0, 15, 65'537}) {
    Refusal{softmax_moe(), short_recipe(1, wrong)}.expect("batch_tokens");
  }
}

TEST(RecipeFault, BoundsTheWorkOfAllTogether) {
  Refusal{softmax_moe(512, 16), short_recipe(100'000, 65'536)}.expect("steps and batch_tokens");
}

TEST(RecipeFault, RefusesSchemesWithoutATrainingRule) {
  for (const SelectionRule rule :
       {SelectionRule::kHash, SelectionRule::kExpertChoice, SelectionRule::kSparseMixer}) {
    Refusal refusal;
    refusal.moe.router.rule = rule;
    refusal.expect("rule");
  }
  Refusal ones;
  ones.moe.router.score = ScoreFunction::kOne;
  ones.expect("score");
  for (const double scaling : {0.0, -1.0, 1e30}) {
    Refusal scaled;
    scaled.moe.router.scaling = scaling;
    scaled.expect("scaling");
  }
}

TEST(RecipeFault, RefusesSizesThatContradictEachOther) {
  Refusal{softmax_moe(16, 17), {}}.expect("top_k");
  Refusal{softmax_moe(0, 1), {}}.expect("num_experts");
  Refusal{softmax_moe(5000, 2), {}}.expect("num_experts");
  Refusal groups;
  groups.moe.router.num_groups = 3;
  groups.expect("num_groups");
  Refusal second{softmax_moe(16, 3), {}};
  second.moe.router.rule = SelectionRule::kRandomSecond;
  second.expect("top_k");
}

TEST(RecipeFault, RefusesLossesThatDoNotApply) {
  Refusal load;
  load.recipe.balance.load_loss = 0.1;
  load.expect("load_loss");
  Refusal bias;
  bias.moe.router.rule = SelectionRule::kSinkhorn;
  bias.recipe.balance.bias_rate = 1e-3;
  bias.expect("bias_rate");
  Refusal devices;
  devices.recipe.balance.device_loss = 0.05;
  devices.recipe.balance.devices = 3;
  devices.expect("devices");
  devices.moe.router.num_zero_experts = 8;
  devices.expect("device_loss");
}

}  // namespace
}  // namespace moesim
