#include "models/router/counts/torch_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

namespace moesim {

namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kRebuild = "torch._utils._rebuild_tensor_v2";
constexpr std::size_t kMostDimensions = 8;
constexpr std::int64_t kMostPickleBytes = std::int64_t{1} << 25;
constexpr double kMostExact = 9007199254740992;  // 2^53: whole numbers are exact up to it.

template <typename Number>
std::optional<std::int64_t> element(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof(Number));
  if constexpr (std::is_floating_point_v<Number>) {
    const double wide = number;
    if (std::trunc(wide) != wide || std::abs(wide) > kMostExact) return std::nullopt;
  }
  return static_cast<std::int64_t>(number);
}

struct ElementType {
  std::string_view storage;
  std::int64_t bytes;
  std::optional<std::int64_t> (*read)(const char*);
};
constexpr std::array<ElementType, 7> kTypes = {{
    {"torch.LongStorage", 8, element<std::int64_t>},
    {"torch.IntStorage", 4, element<std::int32_t>},
    {"torch.ShortStorage", 2, element<std::int16_t>},
    {"torch.CharStorage", 1, element<std::int8_t>},
    {"torch.ByteStorage", 1, element<std::uint8_t>},
    {"torch.DoubleStorage", 8, element<double>},
    {"torch.FloatStorage", 4, element<float>},
}};

// Where a tensor's elements lie.
struct Layout {
  std::string type, key;    // Of the storage.
  std::int64_t stored = 0;  // Elements of the storage.
  std::int64_t offset = 0;
  std::vector<std::int64_t> size, stride;
  std::int64_t elements = 1;
};

std::vector<std::int64_t> wholes(const PickleTree& tree, const PickleValue& list) {
  std::vector<std::int64_t> out;
  for (const std::size_t item : list.items) {
    out.push_back(tree.at(item).kind == Kind::kWhole ? tree.at(item).whole : -1);
  }
  return out;
}

// The layout that the call describes; nothing if it is none, or reaches beyond its storage.
std::optional<Layout> layout_of(const PickleTree& tree, const PickleValue& tensor) {
  const std::vector<std::size_t>& given = tree.at(tensor.items[1]).items;
  if (given.size() < 4) return std::nullopt;
  const std::vector<std::size_t>& storage = tree.at(given[0]).items;
  if (tree.at(given[0]).kind != Kind::kStored || storage.size() != 5) return std::nullopt;
  Layout out;
  out.type = tree.at(storage[1]).text;
  out.key = tree.at(storage[2]).text;
  out.stored = tree.at(storage[4]).whole;
  out.offset = tree.at(given[1]).whole;
  out.size = wholes(tree, tree.at(given[2]));
  out.stride = wholes(tree, tree.at(given[3]));
  if (out.size.size() > kMostDimensions || out.offset < 0 || out.stored < 0 ||
      out.size.size() != out.stride.size()) {
    return std::nullopt;
  }
  std::int64_t last = out.offset;
  for (std::size_t d = 0; d < out.size.size(); ++d) {
    std::int64_t reach = 0;
    if (out.size[d] < 0 || out.stride[d] < 0) return std::nullopt;
    if (__builtin_mul_overflow(out.elements, out.size[d], &out.elements)) return std::nullopt;
    if (__builtin_mul_overflow(std::max<std::int64_t>(out.size[d] - 1, 0), out.stride[d], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return std::nullopt;
    }
  }
  const bool fits = out.elements == 0 || (last < out.stored && out.elements <= out.stored);
  return fits ? std::optional(out) : std::nullopt;
}

// Moves an index one further in C order.
void step(std::vector<std::int64_t>& index, const std::vector<std::int64_t>& size) {
  for (std::size_t d = size.size(); d-- > 0;) {
    if (++index[d] < size[d]) return;
    index[d] = 0;
  }
}

}  // namespace

TorchFile::TorchFile(const std::string& path) : zip_(path), elements_left_(zip_.file().size()) {
  if (const ZipEntry* order = zip_.find("byteorder")) {
    const std::vector<char> word = zip_.read(*order);
    if (std::string_view(word.data(), word.size()) != "little") {
      refuse_file(path, "big-endian tensors", "little-endian ones");
    }
  }
  const ZipEntry* pickle = zip_.find("data.pkl");
  if (pickle == nullptr) {
    refuse_file(path, "a zip file without data.pkl", "a file of torch.save");
  }
  if (pickle->size > kMostPickleBytes) {
    refuse_file(path, fmt::format("{} bytes of data.pkl", pickle->size),
                fmt::format("at most {}", kMostPickleBytes));
  }
  const std::vector<char> bytes = zip_.read(*pickle);
  tree_ = read_pickle({bytes.data(), bytes.size()}, path);
}

bool TorchFile::is_tensor(const PickleTree& tree, const PickleValue& value) {
  return value.kind == Kind::kCall && tree.at(value.items[0]).text == kRebuild;
}

WholeTensor TorchFile::read(const PickleValue& tensor) {
  const std::optional<Layout> layout = layout_of(tree_, tensor);
  if (!layout) refuse_file(path(), "a tensor beyond its storage", "tensors as torch.save writes");
  const auto* const type = std::find_if(kTypes.begin(), kTypes.end(), [&](const ElementType& t) {
    return t.storage == layout->type;
  });
  if (type == kTypes.end()) {
    refuse_file(path(), "a tensor in " + shown(layout->type),
                "whole numbers in 8 to 64 bits, or in float32 or float64");
  }
  elements_left_ -= std::max<std::int64_t>(layout->stored, 1);
  if (elements_left_ < 0) refuse_file(path(), "tensors larger than the file", "tensors apart");
  const ZipEntry* entry = zip_.find("data/" + layout->key);
  if (entry == nullptr || entry->size / type->bytes < layout->stored) {
    refuse_file(path(), "too few data for storage " + shown(layout->key),
                fmt::format("{} elements", layout->stored));
  }
  const std::vector<char> bytes = zip_.read(*entry);
  WholeTensor out{layout->size, {}};
  std::vector<std::int64_t> index(layout->size.size(), 0);
  for (std::int64_t i = 0; i < layout->elements; ++i, step(index, layout->size)) {
    std::int64_t place = layout->offset;
    for (std::size_t d = 0; d < index.size(); ++d) place += index[d] * layout->stride[d];
    const auto value = type->read(bytes.data() + place * type->bytes);
    if (!value) {
      refuse_file(path(), fmt::format("no whole number in element {}", fmt::join(index, ", ")),
                  "counts");
    }
    out.values.push_back(*value);
  }
  return out;
}

}  // namespace moesim
