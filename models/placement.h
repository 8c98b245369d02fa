// Which EP group holds which expert (and its replicas), layer by layer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moesim {

// Physical slots of one MoE layer, group by group: slot s lies on EP group s / slots_per_group.
struct LayerPlacement {
  std::int64_t groups = 1;
  std::vector<std::int32_t> expert_of_slot;
  std::vector<std::vector<std::int32_t>> slots_of_expert;

  std::int64_t slots_per_group() const {
    return static_cast<std::int64_t>(expert_of_slot.size()) / groups;
  }
  std::int32_t group_of_slot(std::int32_t slot) const {
    return static_cast<std::int32_t>(slot / slots_per_group());
  }
};

// Tokens per expert of one layer (profiling counts).
using ExpertCounts = std::vector<double>;

enum class PlacementPolicy {
  kLinear,  // Expert e on group e * groups / experts.
  kEplb,    // Redundant copies of hot experts, balanced packing (deepseek-ai/EPLB as described in
            // ../shared/research/router.md 4.1).
};

LayerPlacement place_linear(std::int64_t num_experts, std::int64_t groups);

// EPLB for one layer. `expert_groups` > 1 with experts kept by node = the hierarchical variant.
// Requires: (num_experts + redundant) divisible by groups; groups divisible by nodes.
LayerPlacement place_eplb(std::span<const double> counts, std::int64_t redundant,
                          std::int64_t groups, std::int64_t expert_groups, std::int64_t nodes);

}  // namespace moesim
