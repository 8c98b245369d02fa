#include "models/placement/placement.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace moesim {
namespace {

using Indices = std::vector<std::size_t>;
using Weights = std::vector<double>;

// Items, bin after bin, in the order they were put in: exactly items / bins in each. The heaviest
// item goes first, into the lightest bin that still has room; ties go to the lower index.
Indices packed(const Weights& weights, std::size_t bins) {
  const std::size_t room = weights.size() / bins;
  Indices order(weights.size());
  std::iota(order.begin(), order.end(), 0u);
  if (room == 1) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  Indices result(weights.size());
  Indices filled(bins, 0);
  Weights load(bins, 0);
  for (const std::size_t item : order) {
    std::size_t best = bins;
    for (std::size_t bin = 0; bin < bins; ++bin) {
      if (filled[bin] < room && (best == bins || load[bin] < load[best])) best = bin;
    }
    result[best * room + filled[best]++] = item;
    load[best] += weights[item];
  }
  return result;
}

// Experts of the physical slots and the load of each: every expert once, then one more copy at a
// time of the expert with the highest load per copy; ties go to the lower id.
struct Replicas {
  Indices expert;
  Weights load;
};
Replicas replicated(const Weights& weights, std::size_t slots) {
  Replicas result;
  result.expert.resize(weights.size());
  std::iota(result.expert.begin(), result.expert.end(), 0u);
  Weights copies(weights.size(), 1);
  while (result.expert.size() < slots) {
    std::size_t hottest = 0;
    for (std::size_t e = 1; e < weights.size(); ++e) {
      if (weights[e] / copies[e] > weights[hottest] / copies[hottest]) hottest = e;
    }
    result.expert.push_back(hottest);
    copies[hottest] += 1;
  }
  for (const std::size_t e : result.expert) result.load.push_back(weights[e] / copies[e]);
  return result;
}

// Experts in the order of the nodes that their expert groups were packed onto.
Indices experts_by_node(std::span<const double> counts, std::size_t expert_groups,
                        std::size_t nodes) {
  const std::size_t group_size = counts.size() / expert_groups;
  Weights group_load(expert_groups, 0);
  for (std::size_t e = 0; e < counts.size(); ++e) group_load[e / group_size] += counts[e];
  Indices experts;
  for (const std::size_t group : packed(group_load, nodes)) {
    for (std::size_t i = 0; i < group_size; ++i) experts.push_back(group * group_size + i);
  }
  return experts;
}

}  // namespace

LayerPlacement placement_of_slots(std::vector<std::int32_t> expert_of_slot,
                                  std::int64_t num_experts, std::int64_t groups) {
  LayerPlacement placement;
  placement.groups = groups;
  placement.expert_of_slot = std::move(expert_of_slot);
  placement.slots_of_expert.resize(static_cast<std::size_t>(num_experts));
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    const auto expert = static_cast<std::size_t>(placement.expert_of_slot[slot]);
    placement.slots_of_expert[expert].push_back(static_cast<std::int32_t>(slot));
  }
  return placement;
}

double overload(const LayerPlacement& placement, std::span<const double> counts) {
  Weights load(static_cast<std::size_t>(placement.groups), 0);
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    const auto expert = static_cast<std::size_t>(placement.expert_of_slot[slot]);
    const auto group = placement.group_of_slot(static_cast<std::int32_t>(slot));
    load[static_cast<std::size_t>(group)] +=
        counts[expert] / static_cast<double>(placement.slots_of_expert[expert].size());
  }
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  if (sum <= 0) return 1;
  return *std::max_element(load.begin(), load.end()) * static_cast<double>(load.size()) / sum;
}

LayerPlacement place_linear(std::int64_t num_experts, std::int64_t groups, std::int64_t redundant) {
  if (groups < 1 || redundant < 0 || (num_experts + redundant) % groups != 0) {
    throw std::logic_error("place_linear: groups must divide the experts with their replicas");
  }
  std::vector<std::int32_t> slots;
  for (std::int64_t slot = 0; slot < num_experts + redundant; ++slot) {
    slots.push_back(static_cast<std::int32_t>(slot % num_experts));
  }
  return placement_of_slots(std::move(slots), num_experts, groups);
}

LayerPlacement place_round_robin(std::int64_t num_experts, std::int64_t groups) {
  if (groups < 1 || num_experts % groups != 0) {
    throw std::logic_error("place_round_robin: groups must divide the experts");
  }
  std::vector<std::int32_t> slots;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t expert = group; expert < num_experts; expert += groups) {
      slots.push_back(static_cast<std::int32_t>(expert));
    }
  }
  return placement_of_slots(std::move(slots), num_experts, groups);
}

// Expert groups -> nodes, replicas inside each node, replicas -> EP groups of the node.
LayerPlacement place_eplb(std::span<const double> counts, std::int64_t redundant,
                          std::int64_t groups, std::int64_t expert_groups, std::int64_t nodes) {
  const auto num_experts = static_cast<std::int64_t>(counts.size());
  if (expert_groups < 1 || nodes < 1 || expert_groups % nodes != 0 ||
      num_experts % expert_groups != 0 || groups % nodes != 0) {
    expert_groups = 1;
    nodes = 1;
  }
  if (groups < 1 || redundant < 0 || (num_experts + redundant) % groups != 0) {
    throw std::logic_error("place_eplb: groups must divide the experts with their replicas");
  }
  const auto num_nodes = static_cast<std::size_t>(nodes);
  const std::size_t experts_per_node = counts.size() / num_nodes;
  const std::size_t slots_per_node = static_cast<std::size_t>(num_experts + redundant) / num_nodes;
  const std::size_t groups_per_node = static_cast<std::size_t>(groups) / num_nodes;
  const Indices experts =
      experts_by_node(counts, static_cast<std::size_t>(expert_groups), num_nodes);

  std::vector<std::int32_t> slots;
  for (std::size_t node = 0; node < num_nodes; ++node) {
    const std::size_t* local = experts.data() + node * experts_per_node;
    Weights weights;
    for (std::size_t i = 0; i < experts_per_node; ++i) weights.push_back(counts[local[i]]);
    const Replicas replicas = replicated(weights, slots_per_node);
    for (const std::size_t slot : packed(replicas.load, groups_per_node)) {
      slots.push_back(static_cast<std::int32_t>(local[replicas.expert[slot]]));
    }
  }
  return placement_of_slots(std::move(slots), num_experts, groups);
}

LayerPlacement place_eplb(std::span<const double> counts, const PlacementShape& shape) {
  const bool by_node = shape.keeps_router_groups();
  return place_eplb(counts, shape.redundant, shape.groups, by_node ? shape.router_groups : 1,
                    by_node ? shape.nodes : 1);
}

}  // namespace moesim
