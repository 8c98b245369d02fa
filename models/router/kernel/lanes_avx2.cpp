// Eight lanes, if the build compiles this file with -mavx2 (cmake/lanes.cmake).
#include "models/router/kernel/lane_code.h"

namespace moesim {

const LaneStages* avx2_lane_stages() {
#if defined(__AVX2__)
  static constexpr LaneStages kStages = stages_of<8>("8 lanes (AVX2)");
  return &kStages;
#else
  return nullptr;
#endif
}

}  // namespace moesim
