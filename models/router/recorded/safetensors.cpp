#include "models/router/recorded/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "models/router/recorded/safetensors_header.h"

namespace moesim {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

namespace {

constexpr std::int64_t kLengthBytes = 8;
constexpr std::int64_t kMostHeaderBytes = 100'000'000;  // The reference implementation's limit.

// Bits of an element; nothing for types that are not known here.
std::optional<std::int64_t> element_bits(std::string_view dtype) {
  struct Type {
    std::string_view name;
    std::int64_t bits;
  };
  static constexpr std::array<Type, 21> kTypes = {{
      {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"BOOL", 8},    {"U8", 8},
      {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
      {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
      {"I32", 32},        {"U32", 32},    {"F32", 32},    {"F64", 64},    {"I64", 64},
      {"U64", 64},
  }};
  const auto* const type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Type& t) { return t.name == dtype; });
  if (type == kTypes.end()) return std::nullopt;
  return type->bits;
}

// Bytes that type and shape ask for; nothing if the type is not known. -1 if they overflow or are
// no whole number.
std::optional<std::int64_t> bytes_asked(const TensorInfo& tensor) {
  const std::optional<std::int64_t> bits = element_bits(tensor.dtype);
  if (!bits) return std::nullopt;
  std::int64_t product = *bits;
  for (const std::int64_t extent : tensor.shape) {
    if (__builtin_mul_overflow(product, extent, &product)) return -1;
  }
  return product % 8 == 0 ? product / 8 : -1;
}

std::string shape_of(const TensorInfo& tensor) {
  std::string out = tensor.dtype.substr(0, 12) + " [";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    out += (i > 0 ? ", " : "") + std::to_string(tensor.shape[i]);
  }
  return out + "]";
}

void check_sizes(const std::vector<TensorInfo>& tensors, std::int64_t data, FileFaults& faults) {
  for (const TensorInfo& tensor : tensors) {
    const std::string name = "tensor " + shown(tensor.name);
    const std::string range = fmt::format("bytes {} to {}", tensor.begin, tensor.end);
    if (tensor.begin > tensor.end || tensor.end > data) {
      faults.add(0, name, range, fmt::format("a range inside the {} bytes of data", data));
      continue;
    }
    const std::optional<std::int64_t> asked = bytes_asked(tensor);
    if (!asked || *asked == tensor.end - tensor.begin) continue;
    faults.add(0, name, range,
               fmt::format("{} bytes for {}", *asked < 0 ? "other" : std::to_string(*asked),
                           shape_of(tensor)));
  }
}

// The format allows neither gaps nor overlaps: sorted by place, each begins where the last ended.
void check_cover(const std::vector<TensorInfo>& tensors, std::int64_t data, FileFaults& faults) {
  std::vector<const TensorInfo*> order;
  for (const TensorInfo& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorInfo* a, const TensorInfo* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::int64_t end = 0;
  for (const TensorInfo* const tensor : order) {
    if (tensor->begin != end) {
      faults.add(0, "tensor " + shown(tensor->name), fmt::format("begins at {}", tensor->begin),
                 fmt::format("{}, where the one before it ends", end));
    }
    end = std::max(end, tensor->end);
  }
  if (end != data) {
    faults.add(0, "", fmt::format("{} bytes of data", data),
               fmt::format("{}, where the last tensor ends", end));
  }
}

void check_names(const std::vector<TensorInfo>& sorted, FileFaults& faults) {
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].name != sorted[i - 1].name) continue;
    faults.add(0, "tensor " + shown(sorted[i].name), "twice", "one tensor of a name");
  }
}

template <typename Bits>
void widen(std::span<const char> bytes, std::span<float> out, float (*convert)(Bits)) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i * sizeof(Bits), sizeof(Bits));
    out[i] = convert(bits);
  }
}

}  // namespace

float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float fp16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // Zero and subnormals: mantissa 2^-24.
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
  }
  // The bias is 15 here and 127 in fp32; the largest exponent means infinity or NaN in both.
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

std::int64_t TensorInfo::size() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  if (file_.size() < kLengthBytes) refuse_file(path, "a file of less than 8 bytes", "safetensors");
  std::array<char, kLengthBytes> start{};
  file_.read(0, start);
  const auto length = std::bit_cast<std::uint64_t>(start);
  const std::int64_t most = std::min(kMostHeaderBytes, file_.size() - kLengthBytes);
  if (length > static_cast<std::uint64_t>(most)) {
    refuse_file(path, fmt::format("a header of {} bytes", length), fmt::format("at most {}", most));
  }
  std::string header(length, '\0');
  file_.read(kLengthBytes, header);
  data_begin_ = kLengthBytes + static_cast<std::int64_t>(length);
  tensors_ = parse_safetensors_header(header, path);
  std::sort(tensors_.begin(), tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  FileFaults faults(path);
  check_names(tensors_, faults);
  check_sizes(tensors_, file_.size() - data_begin_, faults);
  if (faults.empty()) check_cover(tensors_, file_.size() - data_begin_, faults);
  faults.throw_if_any();
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto at = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorInfo& tensor, std::string_view n) { return tensor.name < n; });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

bool SafetensorsFile::is_float(const TensorInfo& tensor) {
  static constexpr std::array<std::string_view, 4> kFloats = {"F64", "F32", "F16", "BF16"};
  return std::find(kFloats.begin(), kFloats.end(), tensor.dtype) != kFloats.end();
}

std::vector<float> SafetensorsFile::read_floats(const TensorInfo& tensor) const {
  std::vector<char> bytes(static_cast<std::size_t>(tensor.end - tensor.begin));
  file_.read(data_begin_ + tensor.begin, bytes);
  std::vector<float> values(static_cast<std::size_t>(tensor.size()));
  if (tensor.dtype == "F64") {
    widen<double>(bytes, values, [](double value) { return static_cast<float>(value); });
  } else if (tensor.dtype == "F32") {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  } else {
    widen<std::uint16_t>(bytes, values, tensor.dtype == "F16" ? fp16_to_float : bf16_to_float);
  }
  return values;
}

}  // namespace moesim
