#include "models/placement/expert_profile.h"

#include <algorithm>
#include <stdexcept>

#include "models/placement/coactivation.h"

namespace moesim {

namespace {

double seen_of(std::span<const double> times, std::int64_t token) {
  return times.empty() ? 1.0 : times[static_cast<std::size_t>(token)];
}

}  // namespace

std::vector<double> counts_by_sequence(const RoutingBank& bank, std::int64_t layer,
                                       std::span<const double> times) {
  const auto experts = static_cast<std::size_t>(bank.num_experts);
  std::vector<double> counts(static_cast<std::size_t>(bank.sequences) * experts, 0);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const auto sequence = static_cast<std::size_t>(t / bank.sequence_tokens);
    for (const std::uint16_t expert : bank.token(layer, t)) {
      if (expert < experts) counts[sequence * experts + expert] += seen_of(times, t);
    }
  }
  return counts;
}

ExpertProfile expert_profile(const RoutingBank& bank, std::int64_t layer,
                             std::span<const double> times) {
  const auto experts = static_cast<std::size_t>(bank.num_experts);
  ExpertProfile profile;
  profile.by_sequence = counts_by_sequence(bank, layer, times);
  profile.counts.assign(experts, 0);
  for (std::size_t i = 0; i < profile.by_sequence.size(); ++i) {
    profile.counts[i % experts] += profile.by_sequence[i];
  }
  profile.together.assign(experts * experts, 0);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const std::span<const std::uint16_t> ids = bank.token(layer, t);
    for (auto a = ids.begin(); a != ids.end(); ++a) {
      for (auto b = ids.begin(); b != a; ++b) {
        if (*a >= experts || *b >= experts || *a == *b) continue;
        profile.together[*a * experts + *b] += seen_of(times, t);
        profile.together[*b * experts + *a] += seen_of(times, t);
      }
    }
  }
  return profile;
}

RoutingBank bank_half(const RoutingBank& bank, BankHalf half) {
  if (bank.sequences < 2) return bank;
  RoutingBank part = bank;
  part.sequences = bank.sequences / 2;
  part.ids.clear();
  const std::int64_t sequence_ids = bank.sequence_tokens * bank.top_k;
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    const std::int64_t first = (layer + (half == BankHalf::kProfile ? 0 : 1)) % 2;
    for (std::int64_t s = 0; s < part.sequences; ++s) {
      const auto begin = bank.ids.begin() + (layer * bank.sequences + 2 * s + first) * sequence_ids;
      part.ids.insert(part.ids.end(), begin, begin + sequence_ids);
    }
  }
  return part;
}

bool places_by_node(const PlacementSpec& spec, const PlacementShape& shape) {
  if (shape.nodes < 2 || shape.groups % shape.nodes != 0) return false;
  if (spec.policy == PlacementPolicy::kCoactivation) return true;
  return spec.policy == PlacementPolicy::kEplb && spec.scope != EplbScope::kGlobal &&
         shape.keeps_router_groups();
}

LayerPlacement place_layer(const PlacementSpec& spec, const PlacementShape& shape,
                           const ExpertProfile& profile) {
  const auto experts = static_cast<std::int64_t>(profile.counts.size());
  PlacementShape scoped = shape;
  if (spec.scope == EplbScope::kGlobal || !shape.keeps_router_groups()) scoped.router_groups = 1;
  switch (spec.policy) {
    case PlacementPolicy::kLinear:
      return place_linear(experts, shape.groups, shape.redundant);
    case PlacementPolicy::kRoundRobin:
      return place_round_robin(experts, shape.groups);
    case PlacementPolicy::kEplb:
      return place_eplb(profile.counts, scoped);
    case PlacementPolicy::kCoactivation:
      return place_coactivation(profile, scoped);
  }
  throw std::logic_error("a placement policy without a placement");
}

}  // namespace moesim
