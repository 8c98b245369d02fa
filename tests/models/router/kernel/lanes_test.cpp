// The vectorised router against a plain one, on inputs made to break it, on every instruction set
// that this processor has.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "models/router/kernel/lanes/lane_stages.h"
#include "models/router/kernel/token_router.h"
#include "tests/models/router/made_routers.h"

namespace moesim {
namespace {

using made::Floats;
using made::Ids;
using made::moe_of;
using made::random_floats;
using made::Routed;

// One token, step by step as the specification says it, with plain sorts.
class PlainRouter {
 public:
  PlainRouter(const MoeSpec& moe, const Floats& correction)
      : moe_(moe), correction_(correction), outputs_(static_cast<std::size_t>(gate_outputs(moe))) {}

  Ids choose(const Floats& logits) const {
    Floats keys = ranked(logits);
    for (std::size_t e = 0; e < correction_.size(); ++e) keys[e] += correction_[e];
    mask(keys);
    return largest(keys, static_cast<std::size_t>(moe_.top_k));
  }

  std::vector<double> weigh(const Floats& logits, const Ids& ids) const {
    const RouterSpec& router = moe_.router;
    std::vector<double> z;
    if (router.order == SelectionOrder::kScoreThenTopK) {
      z.assign(logits.begin(), logits.end());
    } else {
      for (const std::uint16_t id : ids) z.push_back(logits[id]);
    }
    const std::vector<double> s = scores(z);
    std::vector<double> weights;
    for (std::size_t j = 0; j < ids.size(); ++j) {
      weights.push_back(router.order == SelectionOrder::kScoreThenTopK ? s[ids[j]] : s[j]);
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 1e-20);
    const bool single = ids.size() == 1 && router.score != ScoreFunction::kSoftmax;
    for (double& weight : weights) {
      weight *= router.scaling / (router.renormalise && !single ? sum : 1.0);
    }
    return weights;
  }

 private:
  std::vector<double> scores(const std::vector<double>& z) const {
    std::vector<double> s;
    const double most = *std::max_element(z.begin(), z.end());
    for (const double v : z) {
      switch (moe_.router.score) {
        case ScoreFunction::kSoftmax:
          s.push_back(std::exp(v - most));
          break;
        case ScoreFunction::kSigmoid:
          s.push_back(made::sigmoid(v));
          break;
        case ScoreFunction::kSqrtSoftplus:
          s.push_back(std::sqrt(std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)))));
          break;
        case ScoreFunction::kOne:
          s.push_back(1);
          break;
      }
    }
    if (moe_.router.score != ScoreFunction::kSoftmax) return s;
    const double sum = std::accumulate(s.begin(), s.end(), 0.0);
    for (double& v : s) v /= sum;
    return s;
  }

  // Scores where they are added to something, in the kernel's own rounding; else the logits.
  Floats ranked(const Floats& logits) const {
    const RouterSpec& router = moe_.router;
    const bool adds = !correction_.empty() || (grouped() && summed() > 1);
    if (!adds || router.order == SelectionOrder::kTopKThenScore ||
        router.score == ScoreFunction::kOne) {
      return logits;
    }
    Floats scored(logits.size());
    score_logits(moe_, logits, scored);
    return scored;
  }

  bool grouped() const {
    return moe_.router.num_groups > 1 && moe_.router.top_groups < moe_.router.num_groups;
  }
  std::size_t summed() const {
    const RouterSpec& router = moe_.router;
    const auto size = static_cast<std::int64_t>(outputs_) / router.num_groups;
    if (router.group_score == GroupScore::kLargest) return 1;
    const std::int64_t wanted =
        router.group_score == GroupScore::kSumOfTwoLargest ? 2 : moe_.top_k / router.top_groups;
    return static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 1, size));
  }

  void mask(Floats& keys) const {
    if (!grouped()) return;
    const RouterSpec& router = moe_.router;
    const std::size_t size = outputs_ / static_cast<std::size_t>(router.num_groups);
    Floats group_scores;
    for (std::size_t begin = 0; begin < outputs_; begin += size) {
      Floats group(keys.begin() + static_cast<std::ptrdiff_t>(begin),
                   keys.begin() + static_cast<std::ptrdiff_t>(begin + size));
      std::sort(group.begin(), group.end(), std::greater<>());
      float sum = group[0];
      for (std::size_t j = 1; j < summed(); ++j) sum += group[j];
      group_scores.push_back(sum);
    }
    const Ids kept = largest(group_scores, static_cast<std::size_t>(router.top_groups));
    for (std::size_t e = 0; e < outputs_; ++e) {
      if (std::find(kept.begin(), kept.end(), e / size) != kept.end()) continue;
      keys[e] = router.group_mask == GroupMask::kZero ? 0.0F : std::numeric_limits<float>::lowest();
    }
  }

  static Ids largest(const Floats& keys, std::size_t count) {
    Ids order(keys.size());
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint16_t a, std::uint16_t b) { return keys[a] > keys[b]; });
    order.resize(count);
    return order;
  }

  const MoeSpec& moe_;
  const Floats& correction_;
  std::size_t outputs_;
};

constexpr std::size_t kTokens = 37;  // No multiple of any number of lanes.

// Rows of logits that comparisons and powers find hard.
Floats hard_logits(std::size_t outputs) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  Floats logits = random_floats(kTokens * outputs, "hard logits");
  const auto fill = [&](std::size_t t, auto value) {
    for (std::size_t e = 0; e < outputs; ++e) logits[t * outputs + e] = value(e);
  };
  fill(0, [](std::size_t) { return 0.0F; });
  fill(1, [](std::size_t e) { return e % 2 == 0 ? -0.0F : 0.0F; });
  fill(2, [](std::size_t e) { return static_cast<float>(e % 3); });
  fill(3, [](std::size_t e) { return static_cast<float>(e); });
  fill(4, [](std::size_t e) { return -static_cast<float>(e); });
  fill(5, [](std::size_t e) { return e % 5 == 0 ? 1e38F : -1e38F; });
  fill(6, [&](std::size_t e) { return e % 4 == 1 ? kNan : static_cast<float>(e % 7); });
  fill(7, [&](std::size_t) { return kNan; });
  fill(8, [&](std::size_t e) { return e % 3 == 0 ? kInf : -kInf; });
  fill(9, [&](std::size_t) { return -kInf; });
  fill(10, [](std::size_t e) { return 1e-40F * static_cast<float>(e % 2); });
  fill(11, [](std::size_t e) { return 100.0F + static_cast<float>(e % 2); });
  fill(12, [](std::size_t e) { return -80.0F - static_cast<float>(e % 2); });
  return logits;
}

Floats row_of(const Floats& all, std::size_t t, std::size_t width) {
  Floats row(all.begin() + static_cast<std::ptrdiff_t>(t * width),
             all.begin() + static_cast<std::ptrdiff_t>((t + 1) * width));
  for (float& z : row) z = limited_logit(z);
  return row;
}

void expect_plain_result(const MoeSpec& moe, const Floats& logits, const Floats& correction) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  const PlainRouter plain(moe, correction);
  for (const LaneStages* stages : lane_stages()) {
    Routed out{Ids(kTokens * top_k), Floats(kTokens * top_k)};
    TokenRouter(moe, correction, *stages).route(logits, out.ids, out.weights);
    for (std::size_t t = 0; t < kTokens; ++t) {
      const Floats row = row_of(logits, t, outputs);
      const Ids expected = plain.choose(row);
      const auto mine = out.ids.begin() + static_cast<std::ptrdiff_t>(t * top_k);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), mine))
          << stages->name << ", " << outputs << " experts, top " << top_k << ", token " << t;
      const std::vector<double> weights = plain.weigh(row, expected);
      for (std::size_t j = 0; j < top_k; ++j) {
        ASSERT_NEAR(out.weights[t * top_k + j], weights[j], 1e-12 + 2e-6 * weights[j])
            << stages->name << ", " << outputs << " experts, top " << top_k << ", token " << t;
      }
    }
  }
}

struct Shape {
  std::int64_t experts;
  std::int64_t top_k;
  std::int64_t groups;
  std::int64_t kept;
};
const std::vector<Shape> kShapes = {
    {1, 1, 1, 1},    {2, 1, 1, 1},    {5, 3, 1, 1},    {8, 2, 1, 1},    {8, 8, 1, 1},
    {16, 2, 4, 2},   {20, 4, 5, 2},   {64, 6, 1, 1},   {64, 8, 8, 4},   {100, 7, 1, 1},
    {128, 8, 1, 1},  {160, 6, 8, 3},  {256, 8, 8, 4},  {261, 12, 1, 1}, {100, 40, 1, 1},
    {64, 33, 8, 5},  {130, 4, 65, 9}, {9, 2, 9, 3},    {260, 1, 2, 1},  {40, 3, 1, 1},
    {100, 5, 1, 1},  {24, 10, 1, 1},  {384, 13, 1, 1}, {96, 16, 1, 1},  {200, 24, 8, 4},
    {344, 25, 1, 1}, {32, 32, 1, 1},  {130, 31, 1, 1}, {600, 9, 1, 1}};

TEST(RouterLanes, AgreeWithAPlainRouterOnHardLogits) {
  for (const Shape& shape : kShapes) {
    for (const ScoreFunction score : {ScoreFunction::kSoftmax, ScoreFunction::kSigmoid,
                                      ScoreFunction::kSqrtSoftplus, ScoreFunction::kOne}) {
      for (const SelectionOrder order :
           {SelectionOrder::kScoreThenTopK, SelectionOrder::kTopKThenScore}) {
        RouterSpec router;
        router.score = score;
        router.order = order;
        router.renormalise = shape.top_k % 2 == 0;
        router.num_groups = shape.groups;
        router.top_groups = shape.kept;
        router.scaling = 2.5;
        const MoeSpec moe = moe_of(shape.experts, shape.top_k, router);
        const auto outputs = static_cast<std::size_t>(shape.experts);
        const Floats logits = hard_logits(outputs);
        expect_plain_result(moe, logits, {});
        expect_plain_result(moe, logits, random_floats(outputs, "bias", 0.5));
      }
    }
  }
}

TEST(RouterLanes, AgreeWithAPlainRouterForEveryGroupRule) {
  for (const GroupScore group_score :
       {GroupScore::kSumOfTwoLargest, GroupScore::kLargest, GroupScore::kSumOfKeptShare}) {
    for (const GroupMask mask : {GroupMask::kMinusInfinity, GroupMask::kZero}) {
      for (const Shape& shape : kShapes) {
        RouterSpec router;
        router.score = ScoreFunction::kSigmoid;
        router.num_groups = shape.groups;
        router.top_groups = shape.kept;
        router.group_score = group_score;
        router.group_mask = mask;
        const MoeSpec moe = moe_of(shape.experts, shape.top_k, router);
        const auto outputs = static_cast<std::size_t>(shape.experts);
        expect_plain_result(moe, hard_logits(outputs), random_floats(outputs, "bias", 2));
        expect_plain_result(moe, hard_logits(outputs), {});
      }
    }
  }
}

TEST(RouterLanes, EveryInstructionSetGivesTheSameBits) {
  const std::vector<const LaneStages*> sets = lane_stages();
  RouterSpec router;
  router.num_groups = 8;
  router.top_groups = 4;
  router.renormalise = true;
  const Floats logits = hard_logits(256);
  const Floats bias = random_floats(256, "bias", 0.3);
  for (const ScoreFunction score :
       {ScoreFunction::kSoftmax, ScoreFunction::kSigmoid, ScoreFunction::kSqrtSoftplus}) {
    router.score = score;
    const MoeSpec moe = moe_of(256, 8, router);
    std::vector<Routed> outs;
    std::vector<Floats> scores;
    for (const LaneStages* stages : sets) {
      outs.push_back({Ids(kTokens * 8), Floats(kTokens * 8)});
      scores.emplace_back(logits.size());
      TokenRouter lanes(moe, bias, *stages);
      lanes.route(logits, outs.back().ids, outs.back().weights);
      lanes.score(logits, scores.back());
    }
    const auto same_bits = [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    };
    for (std::size_t i = 1; i < sets.size(); ++i) {
      EXPECT_EQ(outs[i].ids, outs[0].ids) << sets[i]->name;
      EXPECT_TRUE(std::equal(outs[i].weights.begin(), outs[i].weights.end(),
                             outs[0].weights.begin(), same_bits))
          << sets[i]->name;
      EXPECT_TRUE(std::equal(scores[i].begin(), scores[i].end(), scores[0].begin(), same_bits))
          << sets[i]->name;
    }
  }
}

TEST(RouterLanes, ScoresAreTheirFormulasToSingleAccuracy) {
  Floats logits;
  for (double z = -80; z <= 80; z += 0.01) logits.push_back(static_cast<float>(z));
  Floats scores(logits.size());
  RouterSpec router;
  router.score = ScoreFunction::kSigmoid;
  score_logits(moe_of(1, 1, router), logits, scores);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double exact = made::sigmoid(logits[i]);
    ASSERT_NEAR(scores[i], exact, 4e-7 * exact) << logits[i];
  }
  router.score = ScoreFunction::kSqrtSoftplus;
  score_logits(moe_of(1, 1, router), logits, scores);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double z = logits[i];
    const double exact = std::sqrt(std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))));
    ASSERT_NEAR(scores[i], exact, 4e-7 * exact) << logits[i];
  }
}

TEST(RouterLanes, ScoringMayReplaceItsLogits) {
  Floats logits = random_floats(50 * 24, "in place");
  Floats scores(logits.size());
  score_logits(moe_of(24, 2), logits, scores);
  score_logits(moe_of(24, 2), logits, logits);
  EXPECT_EQ(logits, scores);
}

TEST(RouterLanes, NothingIsWrittenForNoTokens) {
  EXPECT_TRUE(made::route(moe_of(16, 4), {}).ids.empty());
}

}  // namespace
}  // namespace moesim
