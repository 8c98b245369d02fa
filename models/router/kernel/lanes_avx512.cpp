// Sixteen lanes, if the build compiles this file with -mavx512f and its kin (cmake/lanes.cmake).
#include "models/router/kernel/lane_code.h"

namespace moesim {

const LaneStages* avx512_lane_stages() {
#if defined(__AVX512F__)
  static constexpr LaneStages kStages = stages_of<16>("16 lanes (AVX-512)");
  return &kStages;
#else
  return nullptr;
#endif
}

}  // namespace moesim
