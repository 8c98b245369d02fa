// Which expert weights have to travel when a layer's placement changes.
#pragma once

#include <cstdint>
#include <vector>

#include "models/placement/placement.h"

namespace moesim {

// One copy of an expert from an EP group that held it to one that did not.
struct ExpertMove {
  std::int32_t expert = 0;
  std::int32_t from = 0;
  std::int32_t to = 0;

  bool operator==(const ExpertMove&) const = default;
};

// One move for every group and expert that is new to it, in order of groups and slots. The sender
// is a group of the same node if one held the expert, else any; of equally near groups the one with
// the fewest sends so far, then the lowest. Requires: the same experts and groups in both.
std::vector<ExpertMove> expert_moves(const LayerPlacement& before, const LayerPlacement& after,
                                     std::int64_t groups_per_node);

}  // namespace moesim
