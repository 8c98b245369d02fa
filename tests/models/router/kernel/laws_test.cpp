// Laws of every routing scheme: renaming experts, scaling and shifting logits, threads, parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/models/router/made_routers.h"

namespace moesim {
namespace {

using made::Floats;
using made::Ids;
using made::moe_of;
using made::random_floats;
using made::route;
using made::Routed;
using made::with_rule;

RouteOptions training(std::uint64_t seed = 7) {
  RouteOptions options;
  options.phase = RoutingPhase::kTraining;
  options.seed = seed;
  return options;
}

std::vector<MoeSpec> serving_schemes() {
  std::vector<MoeSpec> schemes;
  RouterSpec plain;
  schemes.push_back(moe_of(32, 4, plain));
  RouterSpec deepseek;
  deepseek.score = ScoreFunction::kSigmoid;
  deepseek.correction_bias = true;
  deepseek.renormalise = true;
  deepseek.num_groups = 8;
  deepseek.top_groups = 4;
  schemes.push_back(moe_of(32, 4, deepseek));
  RouterSpec mixtral;
  mixtral.order = SelectionOrder::kTopKThenScore;
  schemes.push_back(moe_of(32, 4, mixtral));
  RouterSpec v4;
  v4.score = ScoreFunction::kSqrtSoftplus;
  v4.correction_bias = true;
  schemes.push_back(moe_of(32, 4, v4));
  for (const SelectionRule rule : {SelectionRule::kNoisyTopK, SelectionRule::kSparseMixer,
                                   SelectionRule::kSinkhorn, SelectionRule::kQuantile}) {
    schemes.push_back(with_rule(32, 4, rule));
    schemes.back().router.mixer_jitter = 0.05;
  }
  schemes.push_back(with_rule(32, 2, SelectionRule::kRandomSecond));
  schemes.push_back(with_rule(32, 1, SelectionRule::kBalancedAssignment));
  return schemes;
}

Floats bias_of(const MoeSpec& moe) {
  return moe.router.correction_bias ? random_floats(32, "scheme bias", 0.2) : Floats();
}

// A new name for every expert: groups of four change places as wholes, and experts inside them.
std::vector<std::size_t> renaming() {
  RandomStream random(5, "renaming");
  std::vector<std::size_t> groups(8);
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  for (std::size_t i = 8; i > 1; --i) std::swap(groups[i - 1], groups[random.below(i)]);
  std::vector<std::size_t> name(32);
  for (std::size_t g = 0; g < 8; ++g) {
    std::vector<std::size_t> inside = {0, 1, 2, 3};
    for (std::size_t i = 4; i > 1; --i) std::swap(inside[i - 1], inside[random.below(i)]);
    for (std::size_t i = 0; i < 4; ++i) name[4 * g + i] = 4 * groups[g] + inside[i];
  }
  return name;
}

// L12: experts renamed in the logits are the same experts renamed in the choice.
TEST(EveryScheme, RenamingExpertsRenamesTheChoice) {
  const std::vector<std::size_t> name = renaming();
  const Floats logits = random_floats(300 * 32, "renamed logits");
  Floats renamed(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) renamed[i / 32 * 32 + name[i % 32]] = logits[i];
  for (const MoeSpec& moe : serving_schemes()) {
    const Floats bias = bias_of(moe);
    Floats renamed_bias(bias.size());
    for (std::size_t e = 0; e < bias.size(); ++e) renamed_bias[name[e]] = bias[e];
    const Routed before = route(moe, logits, bias);
    const Routed after = route(moe, renamed, renamed_bias);
    for (std::size_t i = 0; i < before.ids.size(); ++i) {
      const bool none = before.ids[i] == kNoExpert;
      EXPECT_EQ(after.ids[i], none ? kNoExpert : name[before.ids[i]]);
      EXPECT_NEAR(after.weights[i], before.weights[i], 1e-6);
    }
  }
}

TEST(EveryScheme, WithoutBiasLargerLogitsOfTheSameOrderChooseTheSame) {
  const Floats logits = random_floats(300 * 32, "scaled logits");
  Floats larger = logits;
  for (float& z : larger) z *= 4;
  for (const MoeSpec& moe : serving_schemes()) {
    if (moe.router.correction_bias || moe.router.rule == SelectionRule::kRandomSecond) continue;
    EXPECT_EQ(route(moe, larger).ids, route(moe, logits).ids);
  }
  RouterSpec router;  // The largest of a group grows with the others.
  router.num_groups = 8;
  router.top_groups = 3;
  router.group_score = GroupScore::kLargest;
  EXPECT_EQ(route(moe_of(32, 4, router), larger).ids, route(moe_of(32, 4, router), logits).ids);
}

TEST(EveryScheme, ASoftmaxDoesNotFeelAShiftOfAllLogits) {
  Floats logits = random_floats(100 * 32, "shifted logits");
  for (float& z : logits) z = std::round(z * 1024) / 1024;  // So that the shift is exact.
  Floats shifted = logits;
  for (float& z : shifted) z += 8;
  const Routed a = route(moe_of(32, 4), logits);
  const Routed b = route(moe_of(32, 4), shifted);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.weights, b.weights);
}

TEST(EveryScheme, IsTheSameForAnyNumberOfThreads) {
  const Floats logits = random_floats(1500 * 32, "threads");
  for (const MoeSpec& moe : serving_schemes()) {
    const Floats bias = bias_of(moe);
    for (const RoutingPhase phase : {RoutingPhase::kDecode, RoutingPhase::kTraining}) {
      RouteOptions options;
      options.phase = phase;
      const Routed one = route(moe, logits, bias, options);
      options.num_threads = 3;
      const Routed three = route(moe, logits, bias, options);
      EXPECT_EQ(one.ids, three.ids);
      EXPECT_EQ(one.weights, three.weights);
    }
  }
}

TEST(EveryScheme, FromHiddenStatesIsTheSameForAnyNumberOfThreads) {
  constexpr std::int64_t kTokens = 700;
  const Floats hidden = random_floats(kTokens * 20, "hidden");
  const Floats gate = random_floats(32 * 20, "gate");
  const Floats noise = random_floats(32 * 20, "noise");
  for (MoeSpec moe : serving_schemes()) {
    moe.router.jitter = 0.01;
    const Floats bias = bias_of(moe);
    const GateView view{{gate.data(), 32, 20, 20}, {}, bias, {noise.data(), 32, 20, 20}};
    RouteOptions options = training();
    const auto size = static_cast<std::size_t>(kTokens * moe.top_k);
    Routed one{Ids(size), Floats(size)};
    Routed three = one;
    route_hidden(moe, view, {hidden.data(), kTokens, 20, 20}, {one.ids, one.weights}, options);
    options.num_threads = 3;
    route_hidden(moe, view, {hidden.data(), kTokens, 20, 20}, {three.ids, three.weights}, options);
    EXPECT_EQ(one.ids, three.ids);
    EXPECT_EQ(one.weights, three.weights);
  }
}

TEST(EveryScheme, PartsOfABatchDrawAsTheWhole) {
  const MoeSpec moe = with_rule(8, 2, SelectionRule::kRandomSecond);
  const Floats logits = random_floats(64 * 8, "parts");
  const Ids whole = route(moe, logits).ids;
  RouteOptions options;
  options.first_token = 40;
  const Ids part = route(moe, Floats(logits.begin() + 40 * 8, logits.end()), {}, options).ids;
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 80));
}

TEST(EveryScheme, IdsAloneAreThoseWithWeights) {
  const Floats logits = random_floats(100 * 32, "ids alone");
  for (const MoeSpec& moe : serving_schemes()) {
    const Floats bias = bias_of(moe);
    Ids ids(static_cast<std::size_t>(100 * moe.top_k));
    route_logits(moe, logits, bias, {ids, {}});
    EXPECT_EQ(ids, route(moe, logits, bias).ids);
  }
}

}  // namespace
}  // namespace moesim
