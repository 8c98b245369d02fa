// The time between two rebalancings of the experts of a pipeline stage.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace moesim {

struct BalancePeriod {
  std::int64_t replica = 0, stage = 0;
  std::int64_t steps = 0;  // Of the stage in this period.
  double overload = 0;     // Fullest EP group over the mean one, over the stage's layers.
  std::int64_t moved = 0;  // Expert copies that changed EP groups when the period began.
  Bytes moved_bytes;       // Their weights.
  Seconds moving;          // Time that this move added to the first step.
};

}  // namespace moesim
