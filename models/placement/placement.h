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
  kLinear,      // Expert e on group e * groups / experts.
  kRoundRobin,  // Expert e on group e mod groups.
  kEplb,        // Redundant copies of hot experts, balanced packing (deepseek-ai/EPLB as described
                // in ../shared/research/router.md 4.1).
  kCoactivation,  // EPLB's balance, with experts that tokens choose together kept together.
};

enum class EplbScope {
  kAuto,          // Hierarchical where the router has expert groups that the nodes divide.
  kHierarchical,  // Expert groups stay on one node.
  kGlobal,
};

// Which replica serves a token's pair with a replicated expert.
enum class ReplicaChoice {
  kDynamic,  // Each in turn.
  kStatic,   // One fixed replica per source rank, the nearest.
};

struct PlacementSpec {
  PlacementPolicy policy = PlacementPolicy::kLinear;
  std::int64_t redundant_experts = 0;
  EplbScope scope = EplbScope::kAuto;
  ReplicaChoice replicas = ReplicaChoice::kDynamic;
  // Engine steps between two rebalancings on the loads seen since the last; 0 = placed once.
  std::int64_t rebalance_steps = 0;

  bool operator==(const PlacementSpec&) const = default;
};

LayerPlacement place_linear(std::int64_t num_experts, std::int64_t groups);

// EPLB for one layer. `expert_groups` > 1 with experts kept by node = the hierarchical variant.
// Requires: (num_experts + redundant) divisible by groups; groups divisible by nodes.
LayerPlacement place_eplb(std::span<const double> counts, std::int64_t redundant,
                          std::int64_t groups, std::int64_t expert_groups, std::int64_t nodes);

}  // namespace moesim
