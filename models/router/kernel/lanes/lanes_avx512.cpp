// Sixteen lanes, if the build compiles this file with -mavx512f (cmake/lanes.cmake).
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "models/router/kernel/lanes/lane_vectors.h"

#if defined(__AVX512F__)
namespace moesim {
namespace {

// Loads that repeat a quad leave the shuffle unit to the transposition.
template <>
Floats<16> gather_quads<16>(const float* const* rows, std::int64_t column) {
  __m512 quads = _mm512_castps128_ps512(_mm_loadu_ps(rows[0] + column));
  quads = _mm512_mask_broadcast_f32x4(quads, 0x00F0, _mm_loadu_ps(rows[4] + column));
  quads = _mm512_mask_broadcast_f32x4(quads, 0x0F00, _mm_loadu_ps(rows[8] + column));
  quads = _mm512_mask_broadcast_f32x4(quads, 0xF000, _mm_loadu_ps(rows[12] + column));
  return __builtin_bit_cast(Floats<16>, quads);
}

template <>
Ints<16> gather<16>(const void* memory, Ints<16> places) {
  const auto at = __builtin_bit_cast(__m512i, places);
  // The form without mask starts from an uninitialised value in the headers of g++ 12.
  const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xFFFF, at, memory, 4);
  return __builtin_bit_cast(Ints<16>, words);
}

}  // namespace
}  // namespace moesim
#endif

#include "models/router/kernel/lanes/lane_code.h"

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
