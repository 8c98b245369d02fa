// Four lanes, as every x86-64 and ARM64 processor has.
#include "models/router/kernel/lanes/lane_code.h"

namespace moesim {

const LaneStages* portable_lane_stages() {
  static constexpr LaneStages kStages = stages_of<4>("4 lanes");
  return &kStages;
}

}  // namespace moesim
