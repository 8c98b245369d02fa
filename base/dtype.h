// Number formats of weights, activations and KV caches.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace moesim {

enum class Dtype { kFp32, kBf16, kFp16, kFp8, kFp4, kInt8, kInt4 };

inline constexpr std::array kAllDtypes = {Dtype::kFp32, Dtype::kBf16, Dtype::kFp16, Dtype::kFp8,
                                          Dtype::kFp4,  Dtype::kInt8, Dtype::kInt4};

// The name that scenarios, profiles and reports write: fp32, bf16, fp16, fp8, fp4, int8, int4.
std::string_view dtype_name(Dtype dtype);

// The inverse of dtype_name; nothing if the name is none of these.
std::optional<Dtype> dtype_from_name(std::string_view name);

// Bytes of one element without any scale factors (fp4 and int4: 0.5).
double element_bytes(Dtype dtype);

}  // namespace moesim
