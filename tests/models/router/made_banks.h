// Small banks and placements for tests that a reader can check in the head.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"
#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"

namespace moesim::made {

// Distinct experts uniformly at random; ids from `experts` on are zero experts.
inline RoutingBank uniform_bank(std::int64_t experts, std::int64_t top_k,
                                std::int64_t zero_experts = 0, std::int64_t layers = 2) {
  RoutingBank bank;
  bank.num_layers = layers;
  bank.num_experts = experts;
  bank.top_k = top_k;
  bank.sequences = 64;
  bank.sequence_tokens = 32;
  RandomStream random(3, "sampler test");
  std::vector<std::uint16_t> ids(static_cast<std::size_t>(experts + zero_experts));
  std::iota(ids.begin(), ids.end(), std::uint16_t{0});
  for (std::int64_t i = 0; i < bank.num_layers * bank.num_tokens(); ++i) {
    for (std::size_t j = 0; j < static_cast<std::size_t>(top_k); ++j) {
      std::swap(ids[j], ids[j + random.below(ids.size() - j)]);
      bank.ids.push_back(ids[j]);
    }
  }
  return bank;
}

// Expert e in slot e, and experts 0 .. redundant - 1 once more at the end.
inline LayerPlacement placement_of(std::int64_t experts, std::int64_t redundant,
                                   std::int64_t groups) {
  return place_linear(experts, groups, redundant);
}

// Load of every group if each expert's tokens are shared evenly by its replicas.
inline std::vector<double> group_loads(const LayerPlacement& placement,
                                       const std::vector<double>& counts) {
  std::vector<double> loads(static_cast<std::size_t>(placement.groups), 0);
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    const auto expert = static_cast<std::size_t>(placement.expert_of_slot[slot]);
    const auto group = placement.group_of_slot(static_cast<std::int32_t>(slot));
    loads[static_cast<std::size_t>(group)] +=
        counts[expert] / static_cast<double>(placement.slots_of_expert[expert].size());
  }
  return loads;
}

inline double max_over_mean(const std::vector<double>& loads) {
  double sum = 0, most = 0;
  for (const double load : loads) {
    sum += load;
    most = load > most ? load : most;
  }
  return most * static_cast<double>(loads.size()) / sum;
}

}  // namespace moesim::made
