// The lane stages for a number of lanes. Included by one file per instruction set (lane_vectors.h).
#pragma once

#include <cstdint>

#include "models/router/kernel/lanes/lane_groups.h"
#include "models/router/kernel/lanes/lane_scores.h"
#include "models/router/kernel/lanes/lane_selection.h"

namespace moesim {
namespace {

template <int kLanes>
constexpr LaneStages stages_of(const char* name) {
  return {name,
          kLanes,
          load<kLanes>,
          store<kLanes>,
          score<kLanes>,
          softmax_terms<kLanes>,
          score_some<kLanes>,
          make_keys<kLanes>,
          mask_groups<kLanes>,
          make_grouped_keys<kLanes>,
          select<kLanes>,
          pick<kLanes>,
          pick_from_rows<kLanes>,
          weigh<kLanes>,
          store_ids<kLanes>};
}

}  // namespace
}  // namespace moesim
