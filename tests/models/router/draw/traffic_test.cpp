#include "models/router/draw/traffic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/router/draw/routing_sampler.h"
#include "models/router/draw/token_blocks.h"
#include "tests/models/router/made_banks.h"

namespace moesim {
namespace {

constexpr DispatchMode kModes[] = {DispatchMode::kNormal, DispatchMode::kLowLatency,
                                   DispatchMode::kAllGather, DispatchMode::kAllToAll};

std::vector<LayerPlacement> both_layers(const LayerPlacement& placement) {
  return {placement, placement};
}

struct Ports {
  std::vector<std::int64_t> up_out, up_in, out_out, out_in;
};

Ports ports_of(const TrafficMatrix& traffic, std::int64_t per_node) {
  const auto ranks = static_cast<std::size_t>(traffic.ranks);
  Ports ports;
  for (auto* p : {&ports.up_out, &ports.up_in, &ports.out_out, &ports.out_in}) p->assign(ranks, 0);
  for (std::int64_t s = 0; s < traffic.ranks; ++s) {
    for (std::int64_t d = 0; d < traffic.ranks; ++d) {
      const bool inside = s / per_node == d / per_node;
      const auto copies = static_cast<std::int64_t>(std::llround(traffic.at(s, d)));
      (inside ? ports.up_out : ports.out_out)[static_cast<std::size_t>(s)] += copies;
      (inside ? ports.up_in : ports.out_in)[static_cast<std::size_t>(d)] += copies;
    }
  }
  return ports;
}

// The matrix of the very tokens that a sampler drew, added token by token.
TrafficMatrix matrix_of_draw(const RoutingBank& bank, std::int64_t layer,
                             const LayerPlacement& placement, const DispatchGeometry& geometry,
                             const RoutingSampler& sampler, const LayerLoad& load) {
  ReplicaTurns turns(placement);
  std::vector<std::vector<std::int32_t>> slots;
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    slots.emplace_back();
    for (const std::uint16_t id : bank.token(layer, t)) {
      if (turns.is_placed(id)) slots.back().push_back(turns.next(id));
    }
  }
  const bool is_static = geometry.replicas == ReplicaChoice::kStatic;
  TrafficMatrix traffic(geometry.ranks);
  for (const LayerLoad::Window& window : load.windows) {
    const BlockLayout& layout = sampler.layout();
    const auto& order = window.prefill ? layout.prefill : layout.decode;
    Destinations destinations(geometry);
    for (std::int64_t i = 0; i < window_tokens(window, layout); ++i) {
      destinations.add_token();
      for (std::int32_t slot : slots[order[static_cast<std::size_t>(window.begin + i)]]) {
        if (is_static) {
          slot = nearest_slot(placement, geometry, window.source, placement.expert_of_slot[slot]);
        }
        destinations.add_pair(placement.group_of_slot(slot));
      }
    }
    add_copies(destinations, window.source, 1, traffic);
  }
  return traffic;
}

TEST(TrafficMatrix, ItsRowsAndColumnsAreThePortsOfTheSampler) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  const LayerPlacement placement = made::placement_of(24, 8, 8);
  std::vector<SourceTokens> sources;
  for (std::int64_t r = 0; r < 8; ++r) sources.push_back({111 * r, r == 3 ? 1700 : 5 * r});
  for (const ReplicaChoice replicas : {ReplicaChoice::kDynamic, ReplicaChoice::kStatic}) {
    for (const DispatchMode mode : {DispatchMode::kNormal, DispatchMode::kLowLatency}) {
      const DispatchGeometry geometry{8, 3, true, mode, replicas};  // The last node is short.
      const RoutingSampler sampler(bank, both_layers(placement), geometry);
      RandomStream random(5, "draw");
      LayerLoad load;
      sampler.draw(1, sources, random, load);
      const TrafficMatrix traffic = matrix_of_draw(bank, 1, placement, geometry, sampler, load);
      const Ports ports = ports_of(traffic, 3);
      EXPECT_EQ(ports.up_out, load.scale_up_out);
      EXPECT_EQ(ports.up_in, load.scale_up_in);
      EXPECT_EQ(ports.out_out, load.scale_out_out);
      EXPECT_EQ(ports.out_in, load.scale_out_in);
    }
  }
}

TEST(TrafficMatrix, WhatIsSentIsReceivedAndNobodySendsToItself) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  for (const ReplicaChoice replicas : {ReplicaChoice::kDynamic, ReplicaChoice::kStatic}) {
    for (const DispatchMode mode : kModes) {
      const TrafficMatrix traffic = rank_traffic(bank, both_layers(made::placement_of(24, 8, 8)),
                                                 {8, 4, true, mode, replicas}, Bytes(100));
      double sent = 0, received = 0;
      for (std::int64_t r = 0; r < 8; ++r) {
        sent += traffic.sent_by(r);
        received += traffic.received_by(r);
        EXPECT_EQ(traffic.at(r, r), 0);
      }
      EXPECT_NEAR(sent, traffic.total(), 1e-9 * sent);
      EXPECT_NEAR(received, traffic.total(), 1e-9 * sent);
      EXPECT_GT(traffic.total(), 0);
    }
  }
}

// In both layers: seven other ranks, whatever the experts.
TEST(RankTraffic, AllGatherSendsToEveryOtherRank) {
  const RoutingBank bank = made::uniform_bank(24, 4);
  const TrafficMatrix traffic = rank_traffic(bank, both_layers(place_linear(24, 8)),
                                             {8, 4, true, DispatchMode::kAllGather}, Bytes(100));
  EXPECT_NEAR(traffic.total(), 2 * 7 * 100, 1e-9);
}

// Four pairs a token, of which one in eight stays at home: 3.5 messages of 100 bytes in two layers.
TEST(RankTraffic, PlainAllToAllSendsTopKCopiesLessTheLocalOnes) {
  const RoutingBank bank = made::uniform_bank(24, 4);
  const TrafficMatrix traffic = rank_traffic(bank, both_layers(place_linear(24, 8)),
                                             {8, 4, true, DispatchMode::kAllToAll}, Bytes(100));
  EXPECT_NEAR(traffic.total(), 2 * 3.5 * 100, 1e-9);
}

// Distinct nodes of a token, its own counted, from the copies that leave nodes: a source is at home
// on one node of N.
double nodes_per_token(const RoutingBank& bank, std::int64_t ranks, std::int64_t per_node) {
  const TrafficMatrix traffic =
      rank_traffic(bank, std::vector{place_linear(bank.num_experts, ranks)},
                   {ranks, per_node, true, DispatchMode::kNormal}, Bytes(1));
  double away = 0;
  for (std::int64_t s = 0; s < ranks; ++s) {
    for (std::int64_t d = 0; d < ranks; ++d)
      away += s / per_node == d / per_node ? 0 : traffic.at(s, d);
  }
  const double nodes = static_cast<double>(ranks / per_node);
  return away / (1 - 1 / nodes);
}

// N (1 - C(E - E/N, k) / C(E, k)) for E = 256, k = 8.
// Source: docs/physics.md, "Payloads".
TEST(RankTraffic, UniformTokensReachTheExpectedNumberOfNodes) {
  const RoutingBank bank = made::uniform_bank(256, 8, 0, 1);
  const std::pair<std::int64_t, double> expected[] = {
      {2, 1.99}, {4, 3.61}, {8, 5.29}, {16, 6.52}, {32, 7.27}};
  for (const auto& [nodes, distinct] : expected) {
    const double n = static_cast<double>(nodes), each = 256 / n;
    double miss = 1;
    for (int i = 0; i < 8; ++i) miss *= (256 - each - i) / (256.0 - i);
    EXPECT_NEAR(n * (1 - miss), distinct, 0.005);
    EXPECT_NEAR(nodes_per_token(bank, nodes * 2, 2), distinct, 0.05) << nodes;
  }
}

// Tokens that choose from 4 of 8 groups of 32 experts, each group on a node of its own: 3.63 nodes,
// 4 at most (Source: as above).
TEST(RankTraffic, GroupLimitedTokensReachAtMostFourNodes) {
  RoutingBank bank = made::uniform_bank(256, 8, 0, 1);
  RandomStream random(11, "groups");
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    std::vector<std::uint16_t> groups(8), allowed;
    std::iota(groups.begin(), groups.end(), std::uint16_t{0});
    for (std::size_t g = 0; g < 4; ++g) {
      std::swap(groups[g], groups[g + random.below(8 - g)]);
      for (std::uint16_t e = 0; e < 32; ++e) {
        allowed.push_back(static_cast<std::uint16_t>(groups[g] * 32 + e));
      }
    }
    for (std::size_t j = 0; j < 8; ++j) {
      std::swap(allowed[j], allowed[j + random.below(allowed.size() - j)]);
      bank.ids[static_cast<std::size_t>(t) * 8 + j] = allowed[j];
    }
  }
  EXPECT_NEAR(nodes_per_token(bank, 64, 8), 3.63, 0.03);
  const LayerPlacement placement = place_linear(256, 64);
  const DispatchGeometry geometry{64, 8, true, DispatchMode::kNormal};
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    Destinations one(geometry);
    one.add_token();
    for (const std::uint16_t id : bank.token(0, t)) one.add_pair(id / 4);
    std::int64_t away = 0;
    one.for_each_copy(0, [&](std::int64_t from, std::int64_t to, std::int64_t copies) {
      away += from / 8 == to / 8 ? 0 : copies;
    });
    ASSERT_LE(away, 4);
  }
}

// L12: new names for experts change nothing if they keep their places.
TEST(RankTraffic, RenamedExpertsInTheirOldPlacesSendTheSame) {
  const RoutingBank bank = made::uniform_bank(24, 4, 6);
  const LayerPlacement placement = made::placement_of(24, 8, 8);
  std::vector<std::uint16_t> name(24);
  std::iota(name.begin(), name.end(), std::uint16_t{0});
  RandomStream random(2, "names");
  for (std::size_t i = 24; i > 1; --i) std::swap(name[i - 1], name[random.below(i)]);
  RoutingBank renamed = bank;
  for (std::uint16_t& id : renamed.ids) id = id < 24 ? name[id] : id;
  std::vector<std::int32_t> slots;
  for (const std::int32_t expert : placement.expert_of_slot) slots.push_back(name[expert]);
  const LayerPlacement moved = placement_of_slots(slots, 24, 8);
  for (const ReplicaChoice replicas : {ReplicaChoice::kDynamic, ReplicaChoice::kStatic}) {
    for (const DispatchMode mode : kModes) {
      const DispatchGeometry geometry{8, 4, true, mode, replicas};
      EXPECT_EQ(rank_traffic(bank, both_layers(placement), geometry, Bytes(100)).amounts,
                rank_traffic(renamed, both_layers(moved), geometry, Bytes(100)).amounts);
      RandomStream a(5, "draw"), b(5, "draw");
      LayerLoad before, after;
      const std::vector<SourceTokens> sources(8, {17, 90});
      RoutingSampler(bank, both_layers(placement), geometry).draw(1, sources, a, before);
      RoutingSampler(renamed, both_layers(moved), geometry).draw(1, sources, b, after);
      EXPECT_EQ(before.pairs, after.pairs);
      EXPECT_EQ(before.experts_hit, after.experts_hit);
      EXPECT_EQ(before.scale_up_out, after.scale_up_out);
      EXPECT_EQ(before.scale_out_in, after.scale_out_in);
    }
  }
}

// Both replicas of every expert on the source's own side: nothing leaves a node any more.
TEST(RankTraffic, StaticReplicasKeepTrafficNear) {
  const RoutingBank bank = made::uniform_bank(8, 2);
  const LayerPlacement placement = place_linear(8, 8, 8);  // Experts 0 .. 7 on each of two nodes.
  const auto leaving = [&](ReplicaChoice replicas) {
    const TrafficMatrix traffic = rank_traffic(
        bank, both_layers(placement), {8, 4, true, DispatchMode::kNormal, replicas}, Bytes(1));
    double sum = 0;
    for (std::int64_t s = 0; s < 8; ++s) {
      for (std::int64_t d = 0; d < 8; ++d) sum += s / 4 == d / 4 ? 0 : traffic.at(s, d);
    }
    return sum;
  };
  EXPECT_EQ(leaving(ReplicaChoice::kStatic), 0);
  EXPECT_GT(leaving(ReplicaChoice::kDynamic), 1);
}

}  // namespace
}  // namespace moesim
