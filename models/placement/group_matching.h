// A new placement with its EP groups renamed so that experts stay where they are: a placement
// decides which experts share a group, not the number of that group.
#pragma once

#include "models/placement/placement.h"

namespace moesim {

// `after` with its groups in the order that leaves most experts on the group that holds them in
// `before`. Groups of one node stay together, whole nodes change places: a placement may have put
// them there for their traffic. Requires: the same experts and groups in both; groups divisible by
// nodes.
LayerPlacement matched_groups(const LayerPlacement& before, const LayerPlacement& after,
                              std::int64_t nodes);

}  // namespace moesim
