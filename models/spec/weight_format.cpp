#include "models/spec/weight_format.h"

#include <fmt/format.h>

namespace moesim {

double WeightFormat::stored_bytes() const {
  constexpr double kWideBytes = 2;
  const double beside = group_size > 0 ? (scale_bytes + zero_point_bytes) /
                                             static_cast<double>(group_size * group_outputs)
                                       : 0;
  return (1 - wide_share) * (element_bytes(dtype) + beside) + wide_share * kWideBytes;
}

WeightFormat plain_format(Dtype dtype) {
  return {.dtype = dtype, .activations = dtype};
}

WeightFormat named_format(FormatName name) {
  using enum Dtype;
  switch (name) {
    case FormatName::kFp32:
      return plain_format(kFp32);
    case FormatName::kBf16:
      return plain_format(kBf16);
    case FormatName::kFp16:
      return plain_format(kFp16);
    case FormatName::kInt8:
      return plain_format(kInt8);
    case FormatName::kFp8:
      return {kFp8, kFp8, 128, 128, 4};
    case FormatName::kFp4:
    case FormatName::kMxfp4:
      return {kFp4, kFp4, 32, 1, 1};
    case FormatName::kNvfp4:
      return {kFp4, kFp4, 16, 1, 1};
    case FormatName::kMxfp8:
      return {kFp8, kFp8, 32, 1, 1};
    case FormatName::kInt4:
      return {kInt4, kBf16, 128, 1, 2, 0.5};
    case FormatName::kInt4G32:
      return {kInt4, kBf16, 32, 1, 2};
  }
  return {};
}

std::string format_in_words(const WeightFormat& format) {
  std::string words = word_of(format.dtype);
  if (format.group_size > 0) {
    const std::string group = format.group_outputs > 1
                                  ? fmt::format("{} x {}", format.group_size, format.group_outputs)
                                  : std::to_string(format.group_size);
    words += fmt::format(" ({} per scale{})", group,
                         format.zero_point_bytes > 0 ? " and zero point" : "");
  }
  if (format.wide_share > 0) {
    words += fmt::format(", {:.0f} % of it in 16 bit", 100 * format.wide_share);
  }
  words += fmt::format(", {:.2f} bit", 8 * format.stored_bytes());
  if (format.activations != format.dtype) {
    words += fmt::format(", {} activations", word_of(format.activations));
  }
  return words;
}

WeightFormat MatrixFormats::of(std::string_view matrix) const {
  for (const auto& [name, format] : formats_) {
    if (name == matrix) return format;
  }
  return {};
}

void MatrixFormats::set(std::string_view matrix, const WeightFormat& format) {
  for (auto& [name, old] : formats_) {
    if (name != matrix) continue;
    old = format;
    return;
  }
  formats_.emplace_back(matrix, format);
}

}  // namespace moesim
