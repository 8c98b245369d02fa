#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "models/router/draw/routing_sampler.h"
#include "models/router/draw/token_blocks.h"
#include "tests/models/router/made_banks.h"

namespace moesim {
namespace {

using made::placement_of;
using made::uniform_bank;

struct Set {
  RoutingBank bank;
  LayerPlacement placement;
  DispatchGeometry geometry;
  std::vector<SourceTokens> sources;
};

Set make_set(DispatchMode mode, bool travel, std::int64_t redundant = 0) {
  Set set;
  set.bank = uniform_bank(24, 4, 6);
  set.geometry = {8, 4, travel, mode};
  set.placement = placement_of(24, redundant, 8);
  if (!travel) {
    set.sources = {{45, 83}};
    return set;
  }
  for (std::int64_t r = 0; r < 8; ++r) set.sources.push_back({11 * r, r == 3 ? 700 : 5 * r});
  return set;
}

LayerLoad draw(const Set& set, std::int64_t layer = 1, std::uint64_t seed = 5) {
  const RoutingSampler sampler(set.bank, std::vector<LayerPlacement>(2, set.placement),
                               set.geometry);
  RandomStream random(seed, "draw");
  LayerLoad load;
  sampler.draw(layer, set.sources, random, load);
  return load;
}

// Balanced tokens are drawn in bank order: whole decks of 16 / 4 = 4 tokens, on one source or a
// token each on eight.
TEST(RoutingSampler, BalancedTokensAreDrawnInTheOrderTheyWereDealt) {
  Set set = make_set(DispatchMode::kNormal, false);
  set.bank = uniform_bank(16, 4);
  for (std::size_t i = 0; i < set.bank.ids.size(); ++i) {
    set.bank.ids[i] = static_cast<std::uint16_t>(i % 16);
  }
  set.bank.origin = RoutingOrigin::kBaseline;
  set.placement = placement_of(16, 0, 8);
  set.sources = {{64, 128}};
  EXPECT_EQ(draw(set).pairs, std::vector<std::int32_t>(8, 192 * 4 / 8));
  set.geometry.tokens_travel = true;
  set.sources.assign(8, {1, 0});
  const LayerLoad load = draw(set);
  EXPECT_EQ(load.pairs, std::vector<std::int32_t>(8, 4));
  EXPECT_EQ(load.experts_hit, std::vector<std::int32_t>(8, 2));
}

// Slots of every token of a layer, an expert's copies in turn.
std::vector<std::vector<std::int32_t>> slots_of_tokens(const Set& set, std::int64_t layer) {
  std::vector<std::size_t> turn(set.placement.slots_of_expert.size(), 0);
  std::vector<std::vector<std::int32_t>> slots;
  for (std::int64_t t = 0; t < set.bank.num_tokens(); ++t) {
    slots.emplace_back();
    for (const std::uint16_t id : set.bank.token(layer, t)) {
      if (id >= set.bank.num_experts) continue;
      const auto& copies = set.placement.slots_of_expert[id];
      slots.back().push_back(copies[turn[id]++ % copies.size()]);
    }
  }
  return slots;
}

// One token of one source, copy by copy as the definition says it.
void send_token(const Set& set, std::int64_t source, const std::vector<std::int32_t>& slots,
                LayerLoad& load) {
  const std::int64_t per_node = set.geometry.ranks_per_node;
  const auto up = [&](std::int64_t from, std::int64_t to) {
    ++load.scale_up_out[static_cast<std::size_t>(from)];
    ++load.scale_up_in[static_cast<std::size_t>(to)];
  };
  const auto out = [&](std::int64_t from, std::int64_t to) {
    ++load.scale_out_out[static_cast<std::size_t>(from)];
    ++load.scale_out_in[static_cast<std::size_t>(to)];
  };
  std::set<std::int64_t> ranks, nodes;
  for (const std::int32_t slot : slots) {
    const std::int64_t rank = set.placement.group_of_slot(slot);
    ranks.insert(rank);
    nodes.insert(rank / per_node);
    if (set.geometry.mode == DispatchMode::kNormal || rank == source) continue;
    rank / per_node == source / per_node ? up(source, rank) : out(source, rank);
  }
  if (set.geometry.mode == DispatchMode::kLowLatency) return;
  for (const std::int64_t node : nodes) {
    const std::int64_t entry = node * per_node + source % per_node;
    if (entry != source && node != source / per_node) out(source, entry);
    for (const std::int64_t rank : ranks) {
      if (rank / per_node == node && rank != entry) up(entry, rank);
    }
  }
}

LayerLoad brute_force(const Set& set, const LayerLoad& drawn, std::int64_t layer) {
  const BlockLayout layout(set.bank, set.placement, set.geometry);
  const auto slots = slots_of_tokens(set, layer);
  const std::size_t groups = static_cast<std::size_t>(set.placement.groups);
  LayerLoad load;
  load.pairs.assign(groups, 0);
  load.experts_hit.assign(groups, 0);
  for (auto* copies :
       {&load.scale_up_out, &load.scale_up_in, &load.scale_out_out, &load.scale_out_in}) {
    copies->assign(set.geometry.tokens_travel ? groups : 0, 0);
  }
  std::set<std::int32_t> hit;
  for (const LayerLoad::Window& window : drawn.windows) {
    const auto& order = window.prefill ? layout.prefill : layout.decode;
    const std::int64_t count =
        window.coarse * layout.coarse + window.fine * layout.fine + window.rest;
    for (std::int64_t i = window.begin; i < window.begin + count; ++i) {
      const auto& token = slots[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
      for (const std::int32_t slot : token) {
        ++load.pairs[static_cast<std::size_t>(set.placement.group_of_slot(slot))];
        hit.insert(slot);
      }
      if (set.geometry.tokens_travel) send_token(set, window.source, token, load);
    }
  }
  for (const std::int32_t slot : hit) {
    ++load.experts_hit[static_cast<std::size_t>(set.placement.group_of_slot(slot))];
  }
  return load;
}

void expect_equal(const LayerLoad& drawn, const LayerLoad& expected) {
  EXPECT_EQ(drawn.pairs, expected.pairs);
  EXPECT_EQ(drawn.experts_hit, expected.experts_hit);
  EXPECT_EQ(drawn.scale_up_out, expected.scale_up_out);
  EXPECT_EQ(drawn.scale_up_in, expected.scale_up_in);
  EXPECT_EQ(drawn.scale_out_out, expected.scale_out_out);
  EXPECT_EQ(drawn.scale_out_in, expected.scale_out_in);
}

std::int64_t total(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

TEST(RoutingSampler, NormalDispatchEqualsEveryTokenSentByItself) {
  const Set set = make_set(DispatchMode::kNormal, true);
  const LayerLoad load = draw(set);
  expect_equal(load, brute_force(set, load, 1));
}

TEST(RoutingSampler, LowLatencyDispatchEqualsEveryPairSentByItself) {
  const Set set = make_set(DispatchMode::kLowLatency, true);
  const LayerLoad load = draw(set);
  expect_equal(load, brute_force(set, load, 1));
}

TEST(RoutingSampler, ReplicasEqualEveryTokenSentByItself) {
  for (const DispatchMode mode : {DispatchMode::kNormal, DispatchMode::kLowLatency}) {
    const Set set = make_set(mode, true, 8);
    const LayerLoad load = draw(set);
    expect_equal(load, brute_force(set, load, 1));
  }
}

TEST(RoutingSampler, WithoutTravelOnlyGroupsAreLoaded) {
  const Set set = make_set(DispatchMode::kNormal, false);
  const LayerLoad load = draw(set);
  expect_equal(load, brute_force(set, load, 1));
  EXPECT_TRUE(load.scale_up_out.empty());
}

TEST(RoutingSampler, WideRowsAndShortLastNodesEqualBruteForce) {
  Set set;
  set.bank = uniform_bank(120, 6);
  set.geometry = {40, 16, true, DispatchMode::kLowLatency};  // Nodes of 16, 16 and 8 ranks.
  set.placement = placement_of(120, 0, 40);
  for (std::int64_t r = 0; r < 40; ++r) set.sources.push_back({r, 2 * r});
  const LayerLoad load = draw(set);
  expect_equal(load, brute_force(set, load, 1));
}

TEST(RoutingSampler, DrawsAsManyTokensAsAsked) {
  const Set set = make_set(DispatchMode::kNormal, true);
  const BlockLayout layout(set.bank, set.placement, set.geometry);
  const LayerLoad load = draw(set);
  std::vector<SourceTokens> drawn(8);
  for (const LayerLoad::Window& w : load.windows) {
    const std::int64_t count = w.coarse * layout.coarse + w.fine * layout.fine + w.rest;
    auto& source = drawn[static_cast<std::size_t>(w.source)];
    (w.prefill ? source.prefill : source.decode) += count;
  }
  for (std::size_t r = 0; r < 8; ++r) {
    EXPECT_EQ(drawn[r].decode, set.sources[r].decode);
    EXPECT_EQ(drawn[r].prefill, set.sources[r].prefill);
  }
}

// L2 for one draw: what leaves the ranks arrives at ranks.
TEST(RoutingSampler, CopiesSentAreCopiesReceived) {
  for (const DispatchMode mode : {DispatchMode::kNormal, DispatchMode::kLowLatency}) {
    const LayerLoad load = draw(make_set(mode, true, 8));
    EXPECT_GT(total(load.scale_up_out), 0);
    EXPECT_GT(total(load.scale_out_out), 0);
    EXPECT_EQ(total(load.scale_up_out), total(load.scale_up_in));
    EXPECT_EQ(total(load.scale_out_out), total(load.scale_out_in));
  }
}

TEST(RoutingSampler, AllExpertsOnTheSourceSendNothing) {
  Set set = make_set(DispatchMode::kNormal, true);
  for (std::uint16_t& id : set.bank.ids) id = static_cast<std::uint16_t>(id % 3);  // All on rank 0.
  set.sources.assign(8, {});
  set.sources[0] = {37, 37};
  const LayerLoad load = draw(set);
  EXPECT_EQ(total(load.scale_up_out) + total(load.scale_out_out), 0);
  EXPECT_EQ(load.pairs[0], 74 * 4);
}

TEST(RoutingSampler, ZeroExpertsLoadNobody) {
  Set set = make_set(DispatchMode::kLowLatency, true);
  for (std::uint16_t& id : set.bank.ids) id = 24;
  const LayerLoad load = draw(set);
  EXPECT_EQ(std::accumulate(load.pairs.begin(), load.pairs.end(), 0), 0);
  EXPECT_EQ(std::accumulate(load.experts_hit.begin(), load.experts_hit.end(), 0), 0);
  EXPECT_EQ(total(load.scale_up_out) + total(load.scale_out_out), 0);
}

TEST(RoutingSampler, NoTokensNoLoad) {
  Set set = make_set(DispatchMode::kNormal, true);
  set.sources.assign(8, {});
  const LayerLoad load = draw(set);
  EXPECT_EQ(load.pairs, std::vector<std::int32_t>(8, 0));
  EXPECT_EQ(load.experts_hit, std::vector<std::int32_t>(8, 0));
}

TEST(RoutingSampler, ReplicasShareTheirExpertEvenly) {
  RoutingBank bank = uniform_bank(4, 1);
  for (std::uint16_t& id : bank.ids) id = 0;
  LayerPlacement placement = placement_of(4, 4, 8);  // Expert 0 on groups 0 and 4.
  const RoutingSampler sampler(bank, std::vector<LayerPlacement>(2, placement), {8, 8, false, {}});
  RandomStream random(1, "draw");
  LayerLoad load;
  const std::vector<SourceTokens> sources = {{0, 2048}};
  sampler.draw(0, sources, random, load);
  EXPECT_EQ(load.pairs[0] + load.pairs[4], 2048);
  EXPECT_NEAR(load.pairs[0], 1024, 2);
}

// M tokens of uniform routing hit E (1 - (1 - k/E)^M) experts on average.
TEST(RoutingSampler, UniformRoutingHitsTheExpectedNumberOfExperts) {
  const RoutingBank bank = uniform_bank(64, 4);
  const RoutingSampler sampler(bank, std::vector<LayerPlacement>(2, placement_of(64, 0, 1)),
                               {1, 1, false, {}});
  RandomStream random(9, "draw");
  LayerLoad load;
  for (const std::int64_t tokens : {1, 6, 12, 40}) {
    const std::vector<SourceTokens> sources = {{tokens, 0}};
    double hit = 0;
    for (int i = 0; i < 400; ++i) {
      sampler.draw(0, sources, random, load);
      hit += load.experts_hit[0] / 400.0;
    }
    const double expected = 64 * (1 - std::pow(1 - 4.0 / 64, static_cast<double>(tokens)));
    EXPECT_NEAR(hit, expected, 0.02 * expected);
  }
}

TEST(RoutingSampler, SameStreamSameDrawAndFreshDrawsDiffer) {
  const Set set = make_set(DispatchMode::kNormal, true);
  EXPECT_EQ(draw(set, 0, 5).pairs, draw(set, 0, 5).pairs);
  EXPECT_NE(draw(set, 0, 5).pairs, draw(set, 0, 6).pairs);
  EXPECT_NE(draw(set, 0, 5).pairs, draw(set, 1, 5).pairs);
}

TEST(RoutingSampler, TokensOfADecodeBlockComeFromDifferentSequences) {
  const RoutingBank bank = uniform_bank(24, 4);
  const BlockLayout layout(bank, placement_of(24, 0, 8), {8, 8, false, {}});
  for (std::size_t begin = 0; begin + 64 <= 2048; begin += 64) {
    std::set<std::int64_t> sequences;
    for (std::size_t i = 0; i < 64; ++i) sequences.insert(layout.decode[begin + i] / 32);
    EXPECT_EQ(sequences.size(), 64U);
  }
}

TEST(RoutingSampler, ABankOfOneTokenCanBeDrawnManyTimes) {
  RoutingBank bank = uniform_bank(8, 2);
  bank.sequences = bank.sequence_tokens = 1;
  bank.ids = {1, 2, 3, 4};
  const RoutingSampler sampler(bank, std::vector<LayerPlacement>(2, placement_of(8, 0, 1)),
                               {1, 1, false, {}});
  RandomStream random(9, "draw");
  LayerLoad load;
  const std::vector<SourceTokens> sources = {{1000, 77}};
  sampler.draw(1, sources, random, load);
  EXPECT_EQ(load.pairs[0], 2 * 1077);
  EXPECT_EQ(load.experts_hit[0], 2);
}

}  // namespace
}  // namespace moesim
