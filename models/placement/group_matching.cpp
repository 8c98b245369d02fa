#include "models/placement/group_matching.h"

#include <algorithm>
#include <numeric>

#include "models/router/kernel/balanced_assignment.h"

namespace moesim {
namespace {

// Experts that a new and an old group have in common: [new][old] of a square.
class Overlaps {
 public:
  Overlaps(const LayerPlacement& before, const LayerPlacement& after)
      : groups_(static_cast<std::size_t>(before.groups)), common_(groups_ * groups_, 0.0F) {
    for (std::size_t e = 0; e < before.slots_of_expert.size(); ++e) {
      for (const std::int32_t to : groups_of(after, e)) {
        for (const std::int32_t from : groups_of(before, e)) {
          common_[static_cast<std::size_t>(to) * groups_ + static_cast<std::size_t>(from)] += 1;
        }
      }
    }
  }

  // The part that a node's new groups share with a node's old ones.
  std::vector<float> block(std::size_t to_node, std::size_t from_node, std::size_t per_node) const {
    std::vector<float> part;
    for (std::size_t to = to_node * per_node; to < (to_node + 1) * per_node; ++to) {
      const float* const row = common_.data() + to * groups_ + from_node * per_node;
      part.insert(part.end(), row, row + per_node);
    }
    return part;
  }

 private:
  static std::vector<std::int32_t> groups_of(const LayerPlacement& placement, std::size_t expert) {
    std::vector<std::int32_t> groups;
    for (const std::int32_t slot : placement.slots_of_expert[expert]) {
      const std::int32_t group = placement.group_of_slot(slot);
      if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
    }
    return groups;
  }

  std::size_t groups_;
  std::vector<float> common_;
};

struct Matching {
  std::vector<std::uint16_t> column;  // [row]
  float sum = 0;
};

// Overlaps are whole numbers: an auction within less than 1 of the best sum has found it.
Matching best_matching(const std::vector<float>& square, std::size_t size) {
  Matching matching;
  matching.column =
      balanced_assignment(square, static_cast<std::int64_t>(size), 0.5 / static_cast<double>(size));
  for (std::size_t row = 0; row < size; ++row) {
    matching.sum += square[row * size + matching.column[row]];
  }
  return matching;
}

}  // namespace

LayerPlacement matched_groups(const LayerPlacement& before, const LayerPlacement& after,
                              std::int64_t nodes) {
  const auto num_nodes = static_cast<std::size_t>(nodes);
  const std::size_t per_node = static_cast<std::size_t>(before.groups) / num_nodes;
  const auto slots = static_cast<std::size_t>(after.slots_per_group());
  const Overlaps overlaps(before, after);
  std::vector<Matching> inside;  // [new node * nodes + old node]
  std::vector<float> between;
  for (std::size_t i = 0; i < num_nodes * num_nodes; ++i) {
    const auto block = overlaps.block(i / num_nodes, i % num_nodes, per_node);
    inside.push_back(best_matching(block, per_node));
    between.push_back(inside.back().sum);
  }
  const Matching node_of = best_matching(between, num_nodes);
  std::vector<std::int32_t> expert_of_slot(after.expert_of_slot.size());
  for (std::size_t group = 0; group < num_nodes * per_node; ++group) {
    const std::size_t node = group / per_node, to_node = node_of.column[node];
    const std::size_t local = inside[node * num_nodes + to_node].column[group % per_node];
    const std::size_t to = to_node * per_node + local;
    std::copy_n(after.expert_of_slot.begin() + static_cast<std::ptrdiff_t>(group * slots), slots,
                expert_of_slot.begin() + static_cast<std::ptrdiff_t>(to * slots));
  }
  return placement_of_slots(std::move(expert_of_slot),
                            static_cast<std::int64_t>(after.slots_of_expert.size()), after.groups);
}

}  // namespace moesim
