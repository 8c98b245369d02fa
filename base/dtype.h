// Number formats of weights, activations and KV caches.
#pragma once

#include <array>

#include "base/words.h"

namespace moesim {

enum class Dtype { kFp32, kBf16, kFp16, kFp8, kFp4, kInt8, kInt4 };
template <>
inline constexpr auto kWords<Dtype> = enum_words<Dtype>({
    {Dtype::kFp32, "fp32"},
    {Dtype::kBf16, "bf16"},
    {Dtype::kFp16, "fp16"},
    {Dtype::kFp8, "fp8"},
    {Dtype::kFp4, "fp4"},
    {Dtype::kInt8, "int8"},
    {Dtype::kInt4, "int4"},
});

inline constexpr std::array kAllDtypes = {Dtype::kFp32, Dtype::kBf16, Dtype::kFp16, Dtype::kFp8,
                                          Dtype::kFp4,  Dtype::kInt8, Dtype::kInt4};

// Bytes of one element without any scale factors (fp4 and int4: 0.5).
double element_bytes(Dtype dtype);

}  // namespace moesim
