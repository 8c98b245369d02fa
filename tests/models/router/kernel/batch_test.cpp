// Rules that need a whole batch: expert choice, balanced assignment, Sinkhorn, quantiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "models/router/kernel/balanced_assignment.h"
#include "models/router/kernel/batch_balance.h"
#include "models/router/kernel/expert_choice.h"
#include "tests/models/router/made_routers.h"

namespace moesim {
namespace {

using made::Floats;
using made::Ids;
using made::loads;
using made::moe_of;
using made::random_floats;
using made::route;
using made::Routed;
using made::sigmoid;
using made::with_rule;

const float kLog2 = std::log(2.0F);

RouteOptions training() {
  RouteOptions options;
  options.phase = RoutingPhase::kTraining;
  return options;
}

// Logits of tokens that prefer the first experts by up to `skew`.
Floats skewed_logits(std::size_t tokens, std::size_t experts, float skew) {
  Floats logits = random_floats(tokens * experts, "skewed");
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] += skew * (1 - static_cast<float>(i % experts) / static_cast<float>(experts));
  }
  return logits;
}

double max_over_mean(const std::vector<std::int64_t>& counts) {
  const auto sum = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0LL));
  const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
  return most * static_cast<double>(counts.size()) / sum;
}

// ---- Expert choice ----

TEST(ExpertChoice, ExpertsTakeTheTokensThatFavourThemMost) {
  const MoeSpec moe = with_rule(2, 1, SelectionRule::kExpertChoice);
  // Shares of expert 0: 4/5, 2/3, 1/2, 1/3. Each expert takes 4 * 1 / 2 = 2 tokens.
  const Floats logits = {2 * kLog2, 0, kLog2, 0, 0, 0, 0, kLog2};
  const RoutedBatch batch = route_batch(moe, logits, {}, training());
  EXPECT_EQ(batch.slots, 1);
  EXPECT_EQ(batch.ids, (Ids{0, 0, 1, 1}));
  EXPECT_NEAR(batch.weights[0], 0.8, 1e-6);
  EXPECT_NEAR(batch.weights[2], 0.5, 1e-6);
  EXPECT_EQ(batch.rows, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(batch.dropped, 0);
}

TEST(ExpertChoice, TokensMayHaveManyExpertsOrNone) {
  const MoeSpec moe = with_rule(3, 1, SelectionRule::kExpertChoice);
  MoeSpec sigmoid_moe = moe;
  sigmoid_moe.router.score = ScoreFunction::kSigmoid;
  // Every expert likes the second token most; each takes one of the three.
  const Floats logits = {0, 0, 0, 3, 1, 2, 0, 0, 0};
  RouteOptions options;
  options.phase = RoutingPhase::kPrefill;
  const RoutedBatch batch = route_batch(sigmoid_moe, logits, {}, options);
  EXPECT_EQ(batch.slots, 3);
  EXPECT_EQ(batch.ids,
            (Ids{kNoExpert, kNoExpert, kNoExpert, 0, 2, 1, kNoExpert, kNoExpert, kNoExpert}));
  EXPECT_NEAR(batch.weights[4], sigmoid(2), 1e-6);
  EXPECT_EQ(batch.weights[8], 0);
}

TEST(ExpertChoice, GivesEveryExpertTheSameLoadHoweverSkewedTheGate) {
  const MoeSpec moe = with_rule(16, 2, SelectionRule::kExpertChoice);
  const RoutedBatch batch = route_batch(moe, skewed_logits(256, 16, 8), {}, training());
  for (const std::int64_t load : loads(batch.ids, 16)) EXPECT_EQ(load, 256 * 2 / 16);
  EXPECT_EQ(batch.rows, std::vector<std::int64_t>(16, 32));
}

TEST(ExpertChoice, TiesGoToTheEarlierToken) {
  const MoeSpec moe = with_rule(2, 1, SelectionRule::kExpertChoice);
  const RoutedBatch batch = route_batch(moe, Floats(8, 0.0F), {}, training());
  EXPECT_EQ(batch.slots, 2);
  EXPECT_EQ(batch.ids, (Ids{0, 1, 0, 1, kNoExpert, kNoExpert, kNoExpert, kNoExpert}));
}

// ---- Balanced assignment ----

double value_of(const Floats& values, const Ids& ids, std::size_t experts) {
  double sum = 0;
  for (std::size_t t = 0; t < ids.size(); ++t) sum += values[t * experts + ids[t]];
  return sum;
}

// The best balanced assignment, by trying all.
double best_value(const Floats& values, std::size_t experts, std::size_t token,
                  std::vector<std::size_t>& room) {
  if (token * experts == values.size()) return 0;
  double best = -1e300;
  for (std::size_t e = 0; e < experts; ++e) {
    if (room[e] == 0) continue;
    --room[e];
    best =
        std::max(best, values[token * experts + e] + best_value(values, experts, token + 1, room));
    ++room[e];
  }
  return best;
}

TEST(BalancedAssignment, IsAsGoodAsTheBestOfAllWithinItsBound) {
  struct Case {
    std::size_t tokens;
    std::size_t experts;
  };
  for (const Case& c :
       {Case{6, 3}, Case{8, 2}, Case{8, 4}, Case{7, 3}, Case{5, 5}, Case{3, 1}, Case{2, 4}}) {
    for (int trial = 0; trial < 20; ++trial) {
      const Floats values =
          random_floats(c.tokens * c.experts, "assignment " + std::to_string(trial));
      const double epsilon = assignment_epsilon(values);
      const Ids ids = balanced_assignment(values, static_cast<std::int64_t>(c.experts), epsilon);
      const std::size_t each = (c.tokens + c.experts - 1) / c.experts;
      for (const std::int64_t load : loads(ids, static_cast<std::int64_t>(c.experts))) {
        EXPECT_LE(load, each);
      }
      std::vector<std::size_t> room(c.experts, each);
      const double best = best_value(values, c.experts, 0, room);
      EXPECT_GE(value_of(values, ids, c.experts),
                best - static_cast<double>(c.tokens + c.experts) * epsilon);
    }
  }
}

TEST(BalancedAssignment, MovesTheTokenThatLosesLeast) {
  // Both prefer expert 0; the second gains less by it.
  EXPECT_EQ(balanced_assignment(Floats{5, 0, 3, 2}, 2, 1e-3), (Ids{0, 1}));
  EXPECT_EQ(balanced_assignment(Floats{3, 2, 5, 0}, 2, 1e-3), (Ids{1, 0}));
}

TEST(BalancedAssignment, BalancesEqualAndHugeValues) {
  for (const std::int64_t load : loads(balanced_assignment(Floats(64 * 8, 1.0F), 8, 1e-4), 8)) {
    EXPECT_EQ(load, 8);
  }
  Floats huge = random_floats(64 * 8, "huge", 1e30);
  for (const std::int64_t load : loads(balanced_assignment(huge, 8, assignment_epsilon(huge)), 8)) {
    EXPECT_EQ(load, 8);
  }
}

TEST(BalancedAssignment, TrainsBalancedAndServesByTheLargestLogit) {
  const MoeSpec moe = with_rule(8, 1, SelectionRule::kBalancedAssignment);
  const Floats logits = skewed_logits(256, 8, 6);
  const Routed trained = route(moe, logits, {}, training());
  for (const std::int64_t load : loads(trained.ids, 8)) EXPECT_EQ(load, 32);
  const Routed served = route(moe, logits);
  EXPECT_GT(max_over_mean(loads(served.ids, 8)), 1.5);
  for (std::size_t t = 0; t < 256; ++t) {
    EXPECT_NEAR(trained.weights[t], sigmoid(logits[t * 8 + trained.ids[t]]), 1e-6);
    EXPECT_NEAR(served.weights[t], sigmoid(logits[t * 8 + served.ids[t]]), 1e-6);
  }
}

// ---- Sinkhorn ----

TEST(Sinkhorn, ScalesToEqualColumnSums) {
  constexpr std::size_t kTokens = 64;
  constexpr std::size_t kExperts = 8;
  const MoeSpec moe = with_rule(kExperts, 2, SelectionRule::kSinkhorn);
  const Floats logits = skewed_logits(kTokens, kExperts, 3);
  const Floats correction = sinkhorn_correction(moe, logits);
  // Rows of d_0 A d_1 sum to 1 / T, so columns of the softmax of z + ln d_1 average 1 / E.
  std::vector<double> columns(kExperts, 0.0);
  for (std::size_t t = 0; t < kTokens; ++t) {
    std::vector<double> row;
    for (std::size_t e = 0; e < kExperts; ++e) {
      row.push_back(std::exp(logits[t * kExperts + e] + correction[e]));
    }
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (std::size_t e = 0; e < kExperts; ++e) columns[e] += row[e] / sum / kTokens;
  }
  for (const double share : columns) EXPECT_NEAR(share, 1.0 / kExperts, 1e-3);
}

TEST(Sinkhorn, BalancesTrainingAndLeavesServingAlone) {
  const MoeSpec moe = with_rule(16, 2, SelectionRule::kSinkhorn);
  const Floats logits = skewed_logits(512, 16, 6);
  const Routed trained = route(moe, logits, {}, training());
  const Routed served = route(moe, logits);
  EXPECT_EQ(served.ids, route(moe_of(16, 2), logits).ids);
  EXPECT_GT(max_over_mean(loads(served.ids, 16)), 3);
  EXPECT_LT(max_over_mean(loads(trained.ids, 16)), 1.3);
}

TEST(Sinkhorn, WeighsBySoftmaxOrOneSigmoid) {
  const Floats logits = {0, 2 * kLog2, kLog2, 0};
  const Routed two = route(with_rule(4, 2, SelectionRule::kSinkhorn), logits, {}, training());
  for (std::size_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(two.weights[j], std::exp(logits[two.ids[j]]) / 8, 1e-6);
  }
  const Routed one = route(with_rule(4, 1, SelectionRule::kSinkhorn), logits, {}, training());
  EXPECT_NEAR(one.weights[0], sigmoid(logits[one.ids[0]]), 1e-6);
}

TEST(Sinkhorn, SurvivesLogitsBeyondAnyPower) {
  const MoeSpec moe = with_rule(4, 2, SelectionRule::kSinkhorn);
  const Floats logits = {1e30F, -1e30F, 0, 5, -1e30F, 1e30F, 900, -900, std::nanf(""), 1, 2, 3};
  for (const float weight : route(moe, logits, {}, training()).weights) {
    EXPECT_TRUE(std::isfinite(weight));
  }
}

// ---- Quantile balancing ----

TEST(QuantileBalancing, PricesLetTheWantedNumberOfTokensIn) {
  const MoeSpec moe = with_rule(2, 1, SelectionRule::kQuantile);
  // Gains of expert 0 over expert 1: 4, 3, 2, 1. Each expert wants two tokens, so the difference of
  // the prices lies between 2 and 3 (or at one of them).
  const Floats logits = {4, 0, 3, 0, 2, 0, 1, 0};
  const Floats correction = quantile_correction(moe, logits);
  EXPECT_LE(correction[0] - correction[1], -2);
  EXPECT_GE(correction[0] - correction[1], -3);
  EXPECT_EQ(route(moe, logits).ids, (Ids{0, 0, 0, 0}));
  const Routed out = route(moe, logits, {}, training());
  EXPECT_EQ(out.ids[0], 0);
  EXPECT_EQ(out.ids[3], 1);
  EXPECT_NEAR(out.weights[3], 1 / (1 + std::exp(1.0)), 1e-6);  // Softmax of the logits alone.
}

TEST(QuantileBalancing, BalancesASkewedGate) {
  for (const std::int64_t top_k :
       {std::int64_t{1}, std::int64_t{2}, std::int64_t{4}, std::int64_t{15}}) {
    const MoeSpec moe = with_rule(16, top_k, SelectionRule::kQuantile);
    const Floats logits = skewed_logits(1024, 16, 6);
    const double before = max_over_mean(loads(route(moe, logits).ids, 16));
    const double after = max_over_mean(loads(route(moe, logits, {}, training()).ids, 16));
    EXPECT_LT(after, 1.1) << "top " << top_k << ", unbalanced " << before;
    EXPECT_LT(after, before);
  }
}

TEST(QuantileBalancing, LeavesNothingToDoWhereAllExpertsAreChosen) {
  const Floats none =
      quantile_correction(with_rule(3, 3, SelectionRule::kQuantile), Floats{1, 2, 3});
  EXPECT_EQ(none, Floats(3, 0.0F));
}

TEST(QuantileBalancing, ServesWithTheCorrectionThatTrainingLeft) {
  const MoeSpec moe = with_rule(16, 2, SelectionRule::kQuantile);
  const Floats logits = skewed_logits(256, 16, 4);
  const Floats correction = quantile_correction(moe, logits);
  EXPECT_EQ(route(moe, logits, correction).ids, route(moe, logits, {}, training()).ids);
}

// Experts renamed in the logits are the same experts renamed in the choice.
TEST(BatchRules, RenamingExpertsRenamesTheChoice) {
  const Floats logits = skewed_logits(64, 8, 3);
  Floats turned(logits.size());
  const auto renamed = [](std::uint16_t id) {
    return id == kNoExpert ? kNoExpert : static_cast<std::uint16_t>((id + 3) % 8);
  };
  for (std::size_t i = 0; i < logits.size(); ++i) turned[i / 8 * 8 + (i + 3) % 8] = logits[i];
  const MoeSpec sinkhorn = with_rule(8, 2, SelectionRule::kSinkhorn);
  Ids expected = route(sinkhorn, logits, {}, training()).ids;
  for (std::uint16_t& id : expected) id = renamed(id);
  EXPECT_EQ(route(sinkhorn, turned, {}, training()).ids, expected);

  const MoeSpec choice = with_rule(8, 2, SelectionRule::kExpertChoice);
  RoutedBatch batch = route_batch(choice, logits, {}, training());
  for (std::uint16_t& id : batch.ids) id = renamed(id);
  EXPECT_EQ(route_batch(choice, turned, {}, training()).ids, batch.ids);

  // Prices are keys of some tokens, which tie there; but experts keep their prices.
  const MoeSpec quantile = with_rule(8, 2, SelectionRule::kQuantile);
  const Floats before = quantile_correction(quantile, logits);
  const Floats after = quantile_correction(quantile, turned);
  for (std::size_t e = 0; e < 8; ++e) EXPECT_EQ(after[(e + 3) % 8], before[e]);
}

}  // namespace
}  // namespace moesim
