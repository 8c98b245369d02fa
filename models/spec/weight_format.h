// The format in which a matrix is stored: its elements, the scales and zero points beside them, and
// the format of the activations that it is multiplied with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/words.h"

namespace moesim {

struct WeightFormat {
  Dtype dtype = Dtype::kBf16;
  Dtype activations = Dtype::kBf16;  // Format that the multiplication runs in.
  // Elements with a common scale: so many inputs of so many outputs. 0 inputs: one scale for a
  // whole output or matrix, too few to count.
  std::int64_t group_size = 0;
  std::int64_t group_outputs = 1;
  double scale_bytes = 0;       // Of one group.
  double zero_point_bytes = 0;  // Of one group.
  double wide_share = 0;        // Of the elements: those of small parts that stay in 16 bit.

  // Bytes of one element, its share of scales and zero points included.
  double stored_bytes() const;
  bool quantises_activations() const { return element_bytes(activations) < 2; }
  bool operator==(const WeightFormat&) const = default;
};

// The formats that a scenario can name.
enum class FormatName {
  kFp32,
  kBf16,
  kFp16,
  kFp8,
  kFp4,
  kInt8,
  kInt4,
  kNvfp4,
  kMxfp4,
  kMxfp8,
  kInt4G32,
};
template <>
inline constexpr auto kWords<FormatName> = enum_words<FormatName>({
    {FormatName::kFp32, "fp32"},
    {FormatName::kBf16, "bf16"},
    {FormatName::kFp16, "fp16"},
    {FormatName::kFp8, "fp8"},
    {FormatName::kFp4, "fp4"},
    {FormatName::kInt8, "int8"},
    {FormatName::kInt4, "int4"},
    {FormatName::kNvfp4, "nvfp4"},
    {FormatName::kMxfp4, "mxfp4"},
    {FormatName::kMxfp8, "mxfp8"},
    {FormatName::kInt4G32, "int4_g32"},
});

// fp8: an fp32 scale per 128 x 128 block; fp4 and mxfp4: an 8-bit scale per 32; nvfp4: an fp8 scale
// per 16; mxfp8: an 8-bit scale per 32; int4: a 16-bit scale and a 4-bit zero point per 128;
// int4_g32: a 16-bit scale per 32. Source: docs/physics.md, "Kernel time".
WeightFormat named_format(FormatName name);
// 16 or 32 bit without scales.
WeightFormat plain_format(Dtype dtype);

// "fp8 (128 x 128 per scale), 8.00 bit"; "int4 (128 per scale and zero point), 4.16 bit, 16-bit
// activations".
std::string format_in_words(const WeightFormat& format);

// Formats of the matrices of one block by the names that models/spec/rank_shapes.h gives them. A
// matrix that is not named is in bf16.
class MatrixFormats {
 public:
  WeightFormat of(std::string_view matrix) const;
  // `matrix`: a literal.
  void set(std::string_view matrix, const WeightFormat& format);
  bool operator==(const MatrixFormats&) const = default;

 private:
  std::vector<std::pair<std::string_view, WeightFormat>> formats_;
};

// Formats of the linear layers of one decoder layer.
struct LayerFormats {
  MatrixFormats attention;
  MatrixFormats dense;
  MatrixFormats shared;  // Experts.
  MatrixFormats routed;  // Experts.

  bool operator==(const LayerFormats&) const = default;
};

}  // namespace moesim
