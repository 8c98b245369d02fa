// Eight lanes, if the build compiles this file with -mavx2 (cmake/lanes.cmake).
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "models/router/kernel/lanes/lane_vectors.h"

#if defined(__AVX2__)
namespace moesim {
namespace {

template <>
Ints<8> gather<8>(const void* memory, Ints<8> places) {
  const auto at = __builtin_bit_cast(__m256i, places);
  return __builtin_bit_cast(Ints<8>,
                            _mm256_i32gather_epi32(static_cast<const int*>(memory), at, 4));
}

}  // namespace
}  // namespace moesim
#endif

#include "models/router/kernel/lanes/lane_code.h"

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
