// Which EP group holds which expert (and its replicas), layer by layer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/words.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

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

// The placement whose slots hold these experts. Requires: slots divisible by groups.
LayerPlacement placement_of_slots(std::vector<std::int32_t> expert_of_slot,
                                  std::int64_t num_experts, std::int64_t groups);

// The groups, nodes and slots that a placement has to fill.
struct PlacementShape {
  std::int64_t groups = 1;         // EP groups, in order on ...
  std::int64_t nodes = 1;          // ... so many nodes.
  std::int64_t redundant = 0;      // Slots beyond one per expert.
  std::int64_t router_groups = 1;  // Contiguous groups of experts that the router chooses from.

  // Whether each router group can stay on one node.
  bool keeps_router_groups() const {
    return router_groups > 1 && router_groups % nodes == 0 && groups % nodes == 0;
  }
};

// Tokens per expert of one layer (profiling counts).
using ExpertCounts = std::vector<double>;

enum class PlacementPolicy {
  kLinear,      // Expert e on group e * groups / experts.
  kRoundRobin,  // Expert e on group e mod groups.
  kEplb,        // Redundant copies of hot experts, balanced packing (deepseek-ai/EPLB;
                // docs/physics.md, "Placement").
  kCoactivation,  // EPLB's balance, with experts that tokens choose together kept together.
};
template <>
inline constexpr auto kWords<PlacementPolicy> = enum_words<PlacementPolicy>({
    {PlacementPolicy::kLinear, "linear"},
    {PlacementPolicy::kRoundRobin, "round_robin"},
    {PlacementPolicy::kEplb, "eplb"},
    {PlacementPolicy::kCoactivation, "coactivation"},
});

enum class EplbScope {
  kAuto,          // Hierarchical where the router has expert groups that the nodes divide.
  kHierarchical,  // Expert groups stay on one node.
  kGlobal,
};
template <>
inline constexpr auto kWords<EplbScope> = enum_words<EplbScope>({
    {EplbScope::kAuto, "auto"},
    {EplbScope::kHierarchical, "hierarchical"},
    {EplbScope::kGlobal, "global"},
});

// Which replica serves a token's pair with a replicated expert.
enum class ReplicaChoice {
  kDynamic,  // Each in turn.
  kStatic,   // One fixed replica per source rank, the nearest.
};
template <>
inline constexpr auto kWords<ReplicaChoice> = enum_words<ReplicaChoice>({
    {ReplicaChoice::kDynamic, "dynamic"},
    {ReplicaChoice::kStatic, "static"},
});

// Tokens that the first placement of kEplb and kCoactivation is made from.
enum class PlacementProfile {
  kHeldOut,  // One half of the bank; the other half is served.
  kServed,   // The whole bank, which is served as well: a perfect profile.
};
template <>
inline constexpr auto kWords<PlacementProfile> = enum_words<PlacementProfile>({
    {PlacementProfile::kHeldOut, "held_out"},
    {PlacementProfile::kServed, "served"},
});

// Assumption: more than the chance difference between loads of a thousand steps, less than the cost
// of a change of the kind of text (EPLB's overload of OLMoE rises from 1.04 to 1.25 and more). vLLM
// and SGLang always move (0) unless configured otherwise.
inline constexpr double kRebalanceGain = 0.05;

struct PlacementSpec {
  PlacementPolicy policy = PlacementPolicy::kLinear;
  std::int64_t redundant_experts = 0;
  EplbScope scope = EplbScope::kAuto;
  ReplicaChoice replicas = ReplicaChoice::kDynamic;
  // Engine steps between two rebalancings on the loads seen since the last; 0 = placed once.
  std::int64_t rebalance_steps = 0;
  // Least fall of a layer's predicted overload for its experts to move; 0 = they always move.
  double rebalance_gain = kRebalanceGain;
  PlacementProfile profile = PlacementProfile::kHeldOut;

  // Whether the first placement is made from loads and needs a profile.
  bool by_load() const {
    return policy == PlacementPolicy::kEplb || policy == PlacementPolicy::kCoactivation;
  }

  bool operator==(const PlacementSpec&) const = default;
};

// Load of the fullest group over the mean if each expert's is split evenly over its copies; 1
// without any load.
double overload(const LayerPlacement& placement, std::span<const double> counts);

// Faults of a placement for a model under a plan, with paths within the placement section:
// redundant experts that nothing would choose, round robin with redundant experts, hierarchical
// scope where the model's router groups cannot be shared out to `nodes`. Empty = sound.
std::vector<PlanFault> placement_faults(const PlacementSpec& placement, const ModelSpec& model,
                                        const ParallelPlan& plan, std::int64_t nodes);

// Slots in order hold expert 0, 1, ...; redundant ones start over at expert 0 (the start of
// engines, which know no load yet). Requires: num_experts + redundant divisible by groups.
LayerPlacement place_linear(std::int64_t num_experts, std::int64_t groups,
                            std::int64_t redundant = 0);

// Expert e on group e mod groups (vLLM round_robin). Requires: groups divide the experts.
LayerPlacement place_round_robin(std::int64_t num_experts, std::int64_t groups);

// EPLB for one layer. `expert_groups` > 1 with experts kept by node = the hierarchical variant.
// Requires: (num_experts + redundant) divisible by groups; groups divisible by nodes.
LayerPlacement place_eplb(std::span<const double> counts, std::int64_t redundant,
                          std::int64_t groups, std::int64_t expert_groups, std::int64_t nodes);
// The same: hierarchical with more than one router group.
LayerPlacement place_eplb(std::span<const double> counts, const PlacementShape& shape);

}  // namespace moesim
