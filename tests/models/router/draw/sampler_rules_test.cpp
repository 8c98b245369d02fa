// Draws under rules that blocks of tokens cannot follow: static replicas, capacity, whole blocks of
// rows, absent experts; and what was drawn, counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "models/router/draw/drawn_tokens.h"
#include "models/router/draw/per_token_draw.h"
#include "models/router/draw/routing_sampler.h"
#include "tests/models/router/made_banks.h"

namespace moesim {
namespace {

std::vector<LayerPlacement> both_layers(const LayerPlacement& placement) {
  return {placement, placement};
}

std::vector<SourceTokens> uneven_sources() {
  std::vector<SourceTokens> sources;
  for (std::int64_t r = 0; r < 8; ++r) sources.push_back({11 * r, r == 3 ? 700 : 5 * r});
  return sources;
}

LayerLoad draw(const RoutingSampler& sampler, const std::vector<SourceTokens>& sources,
               std::int64_t layer = 1) {
  RandomStream random(5, "draw");
  LayerLoad load;
  sampler.draw(layer, sources, random, load);
  return load;
}

std::int64_t total(const auto& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

void expect_same_ports(const LayerLoad& a, const LayerLoad& b) {
  EXPECT_EQ(a.pairs, b.pairs);
  EXPECT_EQ(a.experts_hit, b.experts_hit);
  EXPECT_EQ(a.scale_up_out, b.scale_up_out);
  EXPECT_EQ(a.scale_up_in, b.scale_up_in);
  EXPECT_EQ(a.scale_out_out, b.scale_out_out);
  EXPECT_EQ(a.scale_out_in, b.scale_out_in);
}

// A capacity that nobody reaches takes the slow path to the same result, token by token.
TEST(PerTokenDraw, WithoutAFullExpertNothingChanges) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  CapacitySpec ample;
  ample.factor = 24;
  for (const std::int64_t redundant : {0, 8}) {
    const auto placement = both_layers(made::placement_of(24, redundant, 8));
    for (const DispatchMode mode : {DispatchMode::kNormal, DispatchMode::kLowLatency}) {
      const DispatchGeometry geometry{8, 3, true, mode};
      const LayerLoad slow =
          draw(RoutingSampler(bank, placement, geometry, ample), uneven_sources());
      expect_same_ports(draw(RoutingSampler(bank, placement, geometry), uneven_sources()), slow);
      EXPECT_EQ(slow.dropped, 0);
      EXPECT_TRUE(slow.rows.empty());
    }
  }
}

// All 256 tokens choose expert 0; at factor 1 it takes 256 x 1 / 16 = 16 of them.
TEST(ServedCapacity, DropsWhatAFullExpertCannotTake) {
  RoutingBank bank = made::uniform_bank(16, 1);
  std::fill(bank.ids.begin(), bank.ids.end(), std::uint16_t{0});
  CapacitySpec spec;
  spec.factor = 1;
  const RoutingSampler sampler(bank, both_layers(place_linear(16, 8)),
                               {8, 8, true, DispatchMode::kLowLatency}, spec);
  const LayerLoad load = draw(sampler, std::vector<SourceTokens>(8, {32, 0}));
  EXPECT_EQ(load.pairs[0], 16);
  EXPECT_EQ(total(load.pairs), 16);
  EXPECT_EQ(load.dropped, 240);
  EXPECT_EQ(load.experts_hit[0], 1);
  EXPECT_EQ(total(load.scale_up_out), 0);  // The first source's tokens fill it: they are at home.
}

// L9 for a draw: every pair is served or dropped, and no expert takes more than its capacity.
TEST(ServedCapacity, ServesOrDropsEveryPair) {
  const RoutingBank bank = made::uniform_bank(16, 2);
  CapacitySpec spec;
  spec.factor = 1;
  const RoutingSampler sampler(bank, both_layers(place_linear(16, 16)), {16, 8, false, {}}, spec);
  const LayerLoad load = draw(sampler, {{400, 112}});
  EXPECT_GT(load.dropped, 0);
  EXPECT_EQ(total(load.pairs) + load.dropped, 1024);
  EXPECT_EQ(*std::max_element(load.pairs.begin(), load.pairs.end()), 64);
}

// Two experts a group of 1.5 x 512 x 2 / 16 = 96 rows each, whatever they were sent.
TEST(ServedCapacity, PaddedExpertsComputeTheirWholeCapacity) {
  const RoutingBank bank = made::uniform_bank(16, 2);
  CapacitySpec spec;
  spec.factor = 1.5;
  spec.pad = true;
  const RoutingSampler sampler(bank, both_layers(place_linear(16, 8)), {8, 8, false, {}}, spec);
  const LayerLoad load = draw(sampler, {{512, 0}});
  EXPECT_EQ(load.rows, std::vector<std::int32_t>(8, 192));
  EXPECT_EQ(load.experts_hit, std::vector<std::int32_t>(8, 2));
  EXPECT_EQ(total(load.pairs) + load.dropped, 1024);
  EXPECT_EQ(load.rows_of(3), 192);
  const LayerLoad nothing = draw(sampler, {{0, 0}});
  EXPECT_EQ(nothing.rows, std::vector<std::int32_t>(8, 0));
  EXPECT_EQ(nothing.experts_hit, std::vector<std::int32_t>(8, 0));
}

// A fixed capacity does not depend on the tokens of the step.
TEST(ServedCapacity, MayBeFixed) {
  RoutingBank bank = made::uniform_bank(16, 1);
  std::fill(bank.ids.begin(), bank.ids.end(), std::uint16_t{0});
  CapacitySpec spec;
  spec.fixed = 10;
  const RoutingSampler sampler(bank, both_layers(place_linear(16, 8)), {8, 8, false, {}}, spec);
  EXPECT_EQ(draw(sampler, {{64, 0}}).dropped, 54);
  EXPECT_EQ(draw(sampler, {{0, 640}}).dropped, 630);
}

// MegaBlocks: ceil(n / block) block rows of every expert.
TEST(ServedBlocks, RowsAreRoundedUpToWholeBlocks) {
  RoutingBank bank = made::uniform_bank(4, 1);
  for (std::size_t i = 0; i < bank.ids.size(); ++i) bank.ids[i] = static_cast<std::uint16_t>(i % 2);
  CapacitySpec spec;
  spec.block = 128;
  const RoutingSampler sampler(bank, both_layers(place_linear(4, 2)), {2, 8, false, {}}, spec);
  const LayerLoad load = draw(sampler, {{0, 258}});
  EXPECT_EQ(load.pairs, (std::vector<std::int32_t>{258, 0}));
  EXPECT_EQ(load.rows, (std::vector<std::int32_t>{2 * 256, 0}));  // 129 rows each.
  EXPECT_EQ(load.dropped, 0);
}

TEST(StaticReplicas, DrawTheTokensOfDynamicOnes) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  const auto placement = both_layers(made::placement_of(24, 8, 8));
  for (const DispatchMode mode : {DispatchMode::kNormal, DispatchMode::kLowLatency}) {
    DispatchGeometry geometry{8, 4, true, mode};
    const LayerLoad dynamic = draw(RoutingSampler(bank, placement, geometry), uneven_sources());
    geometry.replicas = ReplicaChoice::kStatic;
    const LayerLoad fixed = draw(RoutingSampler(bank, placement, geometry), uneven_sources());
    EXPECT_EQ(total(dynamic.pairs), total(fixed.pairs));
    EXPECT_EQ(total(fixed.scale_up_out), total(fixed.scale_up_in));
    EXPECT_EQ(total(fixed.scale_out_out), total(fixed.scale_out_in));
    EXPECT_LT(total(fixed.scale_out_out), total(dynamic.scale_out_out));
  }
}

// Pairs and distinct slots of every group, counted token by token; long windows take sums of
// blocks.
TEST(StaticReplicas, LoadTheGroupsOfTheNearestCopies) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  const LayerPlacement placement = made::placement_of(24, 8, 8);
  const DispatchGeometry geometry{8, 4, true, DispatchMode::kNormal, ReplicaChoice::kStatic};
  const RoutingSampler sampler(bank, both_layers(placement), geometry);
  std::vector<SourceTokens> sources = uneven_sources();
  sources[5] = {1500, 900};
  const LayerLoad load = draw(sampler, sources);
  std::vector<std::int32_t> pairs(8, 0), hit(8, 0);
  std::vector<bool> seen(placement.expert_of_slot.size(), false);
  for (const LayerLoad::Window& window : load.windows) {
    const auto& order = window.prefill ? sampler.layout().prefill : sampler.layout().decode;
    for (std::int64_t i = 0; i < window_tokens(window, sampler.layout()); ++i) {
      for (const std::uint16_t id :
           bank.token(1, order[static_cast<std::size_t>(window.begin + i)])) {
        if (id >= 24) continue;
        const std::int32_t slot = nearest_slot(placement, geometry, window.source, id);
        const auto group = static_cast<std::size_t>(placement.group_of_slot(slot));
        ++pairs[group];
        if (!seen[static_cast<std::size_t>(slot)]) ++hit[group];
        seen[static_cast<std::size_t>(slot)] = true;
      }
    }
  }
  EXPECT_EQ(load.pairs, pairs);
  EXPECT_EQ(load.experts_hit, hit);
}

// Expert 0 on ranks 0 and 1 of one node: sources with an even index there take the first copy.
TEST(StaticReplicas, EachSourceKeepsToOneCopy) {
  RoutingBank bank = made::uniform_bank(4, 1);
  std::fill(bank.ids.begin(), bank.ids.end(), std::uint16_t{0});
  const LayerPlacement placement = placement_of_slots({0, 0, 1, 2, 3, 1, 2, 3}, 4, 8);
  const RoutingSampler sampler(bank, both_layers(placement),
                               {8, 8, true, DispatchMode::kLowLatency, ReplicaChoice::kStatic});
  std::vector<SourceTokens> sources(8);
  for (std::int64_t r = 0; r < 8; ++r) sources[static_cast<std::size_t>(r)].decode = 1 << r;
  const LayerLoad load = draw(sampler, sources);
  EXPECT_EQ(load.pairs[0], 1 + 4 + 16 + 64);
  EXPECT_EQ(load.pairs[1], 2 + 8 + 32 + 128);
}

TEST(StaticReplicas, WithoutCopiesThereIsNothingToChoose) {
  const RoutingBank bank = made::uniform_bank(24, 4);
  const auto placement = both_layers(place_linear(24, 8));
  DispatchGeometry geometry{8, 4, true, DispatchMode::kNormal};
  const LayerLoad dynamic = draw(RoutingSampler(bank, placement, geometry), uneven_sources());
  geometry.replicas = ReplicaChoice::kStatic;
  expect_same_ports(dynamic, draw(RoutingSampler(bank, placement, geometry), uneven_sources()));
}

TEST(AbsentExperts, LoadNobody) {
  RoutingBank bank = made::uniform_bank(24, 4);
  for (std::size_t i = 0; i < bank.ids.size(); ++i) {
    if (i % 4 != 0) bank.ids[i] = kNoExpert;
  }
  CapacitySpec ample;
  ample.factor = 24;
  for (const CapacitySpec& capacity : {CapacitySpec{}, ample}) {
    const RoutingSampler sampler(bank, both_layers(place_linear(24, 8)),
                                 {8, 4, true, DispatchMode::kNormal}, capacity);
    EXPECT_EQ(total(draw(sampler, std::vector<SourceTokens>(8, {20, 45})).pairs), 8 * 65);
  }
}

TEST(Sampler, PlacesALayerAnew) {
  const RoutingBank bank = made::uniform_bank(24, 4);
  const DispatchGeometry geometry{8, 4, true, DispatchMode::kNormal};
  RoutingSampler moved(bank, both_layers(place_linear(24, 8)), geometry);
  moved.place(1, place_round_robin(24, 8));
  const RoutingSampler dealt(bank, both_layers(place_round_robin(24, 8)), geometry);
  const RoutingSampler linear(bank, both_layers(place_linear(24, 8)), geometry);
  expect_same_ports(draw(moved, uneven_sources(), 1), draw(dealt, uneven_sources(), 1));
  expect_same_ports(draw(moved, uneven_sources(), 0), draw(linear, uneven_sources(), 0));
}

// The counts of the drawn tokens are the pairs of the draw, expert by expert.
TEST(DrawnTokens, CountWhatEveryExpertWasSent) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  const RoutingSampler sampler(bank, both_layers(place_linear(24, 24)), {24, 8, false, {}});
  DrawnTokens drawn(2, sampler.layout());
  std::vector<std::int64_t> pairs(24, 0);
  RandomStream random(5, "draw");
  LayerLoad load;
  for (const SourceTokens& step : {SourceTokens{7, 0}, {100, 33}, {0, 2000}, {3000, 1}}) {
    sampler.draw(1, std::vector{step}, random, load);
    drawn.add(1, load, sampler.layout());
    for (std::size_t g = 0; g < 24; ++g) pairs[g] += load.pairs[g];
  }
  const std::vector<double> times = drawn.times(1, sampler.layout());
  EXPECT_EQ(std::accumulate(times.begin(), times.end(), 0.0), 7 + 133 + 2000 + 3001);
  std::vector<std::int64_t> counted(24, 0);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    for (const std::uint16_t id : bank.token(1, t)) {
      if (id < 24) counted[id] += static_cast<std::int64_t>(times[static_cast<std::size_t>(t)]);
    }
  }
  EXPECT_EQ(counted, pairs);
  const std::vector<double> other = drawn.times(0, sampler.layout());
  EXPECT_EQ(std::accumulate(other.begin(), other.end(), 0.0), 0);
  drawn.clear(1);
  const std::vector<double> cleared = drawn.times(1, sampler.layout());
  EXPECT_EQ(std::accumulate(cleared.begin(), cleared.end(), 0.0), 0);
}

}  // namespace
}  // namespace moesim
