#include "models/placement/expert_moves.h"

#include <algorithm>
#include <tuple>

namespace moesim {

namespace {

bool holds(const LayerPlacement& placement, std::int32_t group, std::int32_t expert) {
  const auto& slots = placement.slots_of_expert[static_cast<std::size_t>(expert)];
  return std::any_of(slots.begin(), slots.end(),
                     [&](std::int32_t slot) { return placement.group_of_slot(slot) == group; });
}

}  // namespace

std::vector<ExpertMove> expert_moves(const LayerPlacement& before, const LayerPlacement& after,
                                     std::int64_t groups_per_node) {
  std::vector<ExpertMove> moves;
  std::vector<std::int64_t> sends(static_cast<std::size_t>(before.groups), 0);
  for (std::size_t slot = 0; slot < after.expert_of_slot.size(); ++slot) {
    const std::int32_t expert = after.expert_of_slot[slot];
    const std::int32_t to = after.group_of_slot(static_cast<std::int32_t>(slot));
    const bool is_planned = std::any_of(moves.rbegin(), moves.rend(), [&](const ExpertMove& move) {
      return move.to == to && move.expert == expert;
    });
    if (is_planned || holds(before, to, expert)) continue;
    const auto cost = [&](std::int32_t from) {
      const bool is_far = from / groups_per_node != to / groups_per_node;
      return std::tuple(is_far, sends[static_cast<std::size_t>(from)], from);
    };
    const auto& holders = before.slots_of_expert[static_cast<std::size_t>(expert)];
    std::int32_t best = before.group_of_slot(holders.front());
    for (const std::int32_t holder : holders) {
      best = std::min(best, before.group_of_slot(holder),
                      [&](std::int32_t a, std::int32_t b) { return cost(a) < cost(b); });
    }
    ++sends[static_cast<std::size_t>(best)];
    moves.push_back({expert, best, to});
  }
  return moves;
}

}  // namespace moesim
