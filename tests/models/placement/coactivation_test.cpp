#include "models/placement/coactivation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "models/placement/expert_profile.h"
#include "models/router/draw/traffic.h"
#include "models/router/make/make_bank.h"
#include "tests/models/router/made_banks.h"
#include "tests/models/router/router_models.h"

namespace moesim {
namespace {

using made::group_loads;
using made::max_over_mean;

// Token t takes four experts of family t mod `topics`; family f has experts f, f + topics,
// f + 2 topics, ...: linear placement tears families apart.
RoutingBank family_bank(std::int64_t experts, std::int64_t topics) {
  RoutingBank bank = made::uniform_bank(experts, 4, 0, 1);
  RandomStream random(5, "families");
  const std::int64_t size = experts / topics;
  std::vector<std::uint16_t> family(static_cast<std::size_t>(size));
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const auto topic = static_cast<std::uint64_t>(t % topics);
    for (std::int64_t i = 0; i < size; ++i) {
      family[static_cast<std::size_t>(i)] =
          static_cast<std::uint16_t>(topic + static_cast<std::uint64_t>(i * topics));
    }
    for (std::size_t j = 0; j < 4; ++j) {
      std::swap(family[j], family[j + random.below(family.size() - j)]);
      bank.ids[static_cast<std::size_t>(t) * 4 + j] = family[j];
    }
  }
  return bank;
}

double copies_per_token(const RoutingBank& bank, const LayerPlacement& placement,
                        std::int64_t per_node) {
  const DispatchGeometry geometry{placement.groups, per_node, true, DispatchMode::kNormal};
  return rank_traffic(bank, std::vector{placement}, geometry, Bytes(1)).total();
}

TEST(ExpertProfile, CountsExpertsAndPairs) {
  RoutingBank bank;
  bank.num_layers = bank.sequences = 1;
  bank.num_experts = 4;
  bank.top_k = 3;
  bank.sequence_tokens = 3;
  bank.ids = {0, 1, 2, 1, 0, kNoExpert, 3, 5, 5};  // 5: a zero expert.
  const ExpertProfile profile = expert_profile(bank, 0);
  EXPECT_EQ(profile.counts, (ExpertCounts{2, 2, 1, 1}));
  EXPECT_EQ(profile.together, (std::vector<double>{0, 2, 1, 0,  //
                                                   2, 0, 1, 0,  //
                                                   1, 1, 0, 0,  //
                                                   0, 0, 0, 0}));
  EXPECT_EQ(profile.by_sequence, profile.counts);
  const std::vector<double> times = {0, 7, 2};
  EXPECT_EQ(expert_profile(bank, 0, times).counts, (ExpertCounts{7, 7, 0, 2}));
}

TEST(BankHalf, SharesTheSequencesOutLayerByLayer) {
  const RoutingBank bank = made::uniform_bank(8, 2);
  const RoutingBank profile = bank_half(bank, BankHalf::kProfile);
  const RoutingBank served = bank_half(bank, BankHalf::kServed);
  EXPECT_EQ(profile.sequences, 32);
  EXPECT_EQ(served.sequences, 32);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
      const std::int64_t sequence = t / 32;
      const RoutingBank& half = (sequence + layer) % 2 == 0 ? profile : served;
      const auto ids = half.token(layer, sequence / 2 * 32 + t % 32);
      EXPECT_TRUE(std::ranges::equal(ids, bank.token(layer, t)));
    }
  }
}

TEST(BankHalf, OneSequenceIsItsOwnHalf) {
  RoutingBank bank = made::uniform_bank(8, 2, 0, 1);
  bank.sequences = 1;
  bank.ids.resize(32 * 2);
  EXPECT_EQ(bank_half(bank, BankHalf::kProfile).ids, bank.ids);
  EXPECT_EQ(bank_half(bank, BankHalf::kServed).ids, bank.ids);
}

// Eight families of eight experts on eight groups: each family finds its group, and a token then
// goes to one group, its own in one of eight cases.
TEST(Coactivation, FindsFamiliesOfExperts) {
  const RoutingBank bank = family_bank(64, 8);
  const ExpertProfile profile = expert_profile(bank, 0);
  const LayerPlacement placement = place_coactivation(profile, {.groups = 8});
  EXPECT_NEAR(copies_per_token(bank, placement, 8), 7.0 / 8, 0.15);
  EXPECT_GT(copies_per_token(bank, place_eplb(profile.counts, {.groups = 8}), 8), 2.5);
}

// Two families a node; inside it no group can hold one whole (four groups of four experts).
TEST(Coactivation, KeepsFamiliesOnOneNode) {
  const RoutingBank bank = family_bank(64, 8);
  const PlacementShape shape{.groups = 16, .nodes = 4};
  const ExpertProfile profile = expert_profile(bank, 0);
  const auto out_of_node = [&](const LayerPlacement& placement) {
    const DispatchGeometry geometry{16, 4, true, DispatchMode::kNormal};
    const TrafficMatrix traffic = rank_traffic(bank, std::vector{placement}, geometry, Bytes(1));
    double sum = 0;
    for (std::int64_t s = 0; s < 16; ++s) {
      for (std::int64_t d = 0; d < 16; ++d) sum += s / 4 == d / 4 ? 0 : traffic.at(s, d);
    }
    return sum;
  };
  EXPECT_LT(out_of_node(place_coactivation(profile, shape)), 1.1);
  EXPECT_GT(out_of_node(place_eplb(profile.counts, shape)), 1.8);
}

// Fitted on one half of the tokens, judged on the other: what it found is not noise, and the
// balance is EPLB's but for the tolerance.
TEST(Coactivation, HoldsOnTokensItHasNotSeen) {
  const RoutingBank bank = family_bank(64, 8);
  const RoutingBank fit = bank_half(bank, BankHalf::kProfile);
  const RoutingBank judge = bank_half(bank, BankHalf::kServed);
  const ExpertProfile profile = expert_profile(fit, 0);
  const LayerPlacement ours = place_coactivation(profile, {.groups = 8});
  const LayerPlacement eplb = place_eplb(profile.counts, {.groups = 8});
  EXPECT_LT(copies_per_token(judge, ours, 8), 0.5 * copies_per_token(judge, eplb, 8));
  EXPECT_LE(max_over_mean(group_loads(ours, profile.counts)),
            std::max(1 + kBalanceTolerance, max_over_mean(group_loads(eplb, profile.counts))));
}

// Experts 0 and 2 are chosen together as often as 0 and 1, but for whole sequences: the pair that
// is not busy all at once is the better one. EPLB starts from the other.
TEST(Coactivation, SpreadsWhatASequenceChoosesForLong) {
  RoutingBank bank = made::uniform_bank(4, 2, 0, 1);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const bool steady = t / 32 % 4 < 2;
    const std::int64_t half = steady ? t / 32 % 2 : t % 2;
    std::uint16_t* ids = bank.ids.data() + t * 2;
    ids[0] = static_cast<std::uint16_t>(steady ? half : 2 * half);
    ids[1] = static_cast<std::uint16_t>(steady ? half + 2 : 2 * half + 1);
  }
  const ExpertProfile profile = expert_profile(bank, 0);
  EXPECT_EQ(profile.together[0 * 4 + 1], profile.together[0 * 4 + 2]);
  const LayerPlacement placement = place_coactivation(profile, {.groups = 2});
  const auto group = [&](std::size_t e) {
    return placement.group_of_slot(placement.slots_of_expert[e][0]);
  };
  EXPECT_EQ(group(0), group(1));
  EXPECT_EQ(group(2), group(3));
}

// Published for OLMoE: 12 to 17 % less traffic at matched balance, devices and measure unknown
// (KikoCis/moe-coactivation-placement). Generated tokens have less in common: 6 to 8 %.
TEST(Coactivation, SendsFewerCopiesOfOlmoeAtTheBalanceOfEplb) {
  constexpr std::int64_t kLayers = 4;
  const RoutingBank bank = make_routing_bank(made::olmoe(kLayers), made::calibrated(256), 3);
  const RoutingBank fit = bank_half(bank, BankHalf::kProfile);
  const RoutingBank judge = bank_half(bank, BankHalf::kServed);
  double copies = 0, of_eplb = 0, fullest = 0, fullest_of_eplb = 0;
  for (std::int64_t layer = 0; layer < kLayers; ++layer) {
    const ExpertProfile profile = expert_profile(fit, layer);
    const ExpertCounts counts = expert_profile(judge, layer).counts;
    const LayerPlacement ours = place_coactivation(profile, {.groups = 8});
    const LayerPlacement eplb = place_eplb(profile.counts, {.groups = 8});
    RoutingBank one = judge;
    one.num_layers = 1;
    one.ids.assign(judge.token(layer, 0).begin(),
                   judge.token(layer, 0).begin() + judge.num_tokens() * judge.top_k);
    copies += copies_per_token(one, ours, 8);
    of_eplb += copies_per_token(one, eplb, 8);
    fullest += overload(ours, counts) / kLayers;
    fullest_of_eplb += overload(eplb, counts) / kLayers;
  }
  EXPECT_LT(copies / of_eplb, 0.96);
  EXPECT_GT(copies / of_eplb, 0.88);
  EXPECT_LT(fullest, fullest_of_eplb + 0.02);
}

TEST(Coactivation, KeepsTheReplicasOfEplb) {
  const RoutingBank bank = family_bank(64, 8);
  ExpertProfile profile = expert_profile(bank, 0);
  for (std::size_t e = 0; e < 4; ++e) profile.counts[e] *= 3;
  const PlacementShape shape{.groups = 8, .redundant = 16};
  const LayerPlacement ours = place_coactivation(profile, shape);
  const LayerPlacement eplb = place_eplb(profile.counts, shape);
  for (std::size_t e = 0; e < 64; ++e) {
    EXPECT_EQ(ours.slots_of_expert[e].size(), eplb.slots_of_expert[e].size()) << e;
    EXPECT_GE(ours.slots_of_expert[e].size(), 1u) << e;
  }
  EXPECT_LE(max_over_mean(group_loads(ours, profile.counts)),
            std::max(1 + kBalanceTolerance, max_over_mean(group_loads(eplb, profile.counts))));
}

TEST(Coactivation, RouterGroupsStayOnTheirNodes) {
  const RoutingBank bank = family_bank(64, 8);
  const ExpertProfile profile = expert_profile(bank, 0);
  const PlacementShape shape{.groups = 8, .nodes = 4, .router_groups = 8};
  const LayerPlacement placement = place_coactivation(profile, shape);
  for (std::int64_t group = 0; group < 8; ++group) {
    std::set<std::int32_t> nodes;
    for (std::int64_t e = group * 8; e < group * 8 + 8; ++e) {
      const auto slot = placement.slots_of_expert[static_cast<std::size_t>(e)][0];
      nodes.insert(placement.group_of_slot(slot) / 2);
    }
    EXPECT_EQ(nodes.size(), 1u) << group;
  }
}

// Nothing is chosen together where a token has one expert, and every sequence here chooses alike:
// EPLB stays as it is.
TEST(Coactivation, WithoutPairsItIsEplb) {
  RoutingBank bank = made::uniform_bank(32, 1);
  for (std::size_t t = 0; t < bank.ids.size(); ++t) {
    bank.ids[t] = static_cast<std::uint16_t>((t % 32) * (t % 32) / 32);
  }
  const ExpertProfile profile = expert_profile(bank, 0);
  EXPECT_EQ(place_coactivation(profile, {.groups = 8}).expert_of_slot,
            place_eplb(profile.counts, {.groups = 8}).expert_of_slot);
}

TEST(PlaceLayer, HonoursEveryPolicyAndScope) {
  const RoutingBank bank = family_bank(64, 8);
  const ExpertProfile profile = expert_profile(bank, 0);
  const PlacementShape shape{.groups = 8, .nodes = 4, .router_groups = 8};
  const auto slots = [&](PlacementPolicy policy, EplbScope scope = EplbScope::kAuto) {
    PlacementSpec spec;
    spec.policy = policy;
    spec.scope = scope;
    return place_layer(spec, shape, profile).expert_of_slot;
  };
  EXPECT_EQ(slots(PlacementPolicy::kLinear), place_linear(64, 8).expert_of_slot);
  EXPECT_EQ(slots(PlacementPolicy::kRoundRobin), place_round_robin(64, 8).expert_of_slot);
  EXPECT_EQ(slots(PlacementPolicy::kEplb), place_eplb(profile.counts, 0, 8, 8, 4).expert_of_slot);
  EXPECT_EQ(slots(PlacementPolicy::kEplb, EplbScope::kGlobal),
            place_eplb(profile.counts, 0, 8, 1, 1).expert_of_slot);
  EXPECT_NE(slots(PlacementPolicy::kEplb), slots(PlacementPolicy::kEplb, EplbScope::kGlobal));
  EXPECT_EQ(slots(PlacementPolicy::kCoactivation),
            place_coactivation(profile, shape).expert_of_slot);
}

}  // namespace
}  // namespace moesim
