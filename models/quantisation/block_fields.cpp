#include "models/quantisation/block_fields.h"

#include <array>

namespace moesim {

std::optional<Value> BlockFields::find(const std::string& key) {
  known_.insert(key);
  if (!block_.is_map()) return std::nullopt;
  const YAML::Node node = block_.node()[key];
  if (!node.IsDefined() || node.IsNull()) return std::nullopt;
  return block_.child(node, key);
}

std::optional<Value> BlockFields::find_any(std::initializer_list<const char*> keys) {
  std::optional<Value> first;
  for (const char* key : keys) {
    const auto found = find(key);
    if (!first) first = found;
  }
  return first;
}

std::string BlockFields::text_or(const std::string& key, const std::string& otherwise) {
  const auto found = find(key);
  return found ? found->text().value_or(otherwise) : otherwise;
}

bool BlockFields::flag_or(const std::string& key, bool otherwise) {
  const auto found = find(key);
  return found ? found->boolean().value_or(otherwise) : otherwise;
}

std::int64_t BlockFields::whole_or(const std::string& key, std::int64_t otherwise, std::int64_t min,
                                   std::int64_t max) {
  const auto found = find(key);
  return found ? found->integer(min, max).value_or(otherwise) : otherwise;
}

std::vector<Value> BlockFields::list(const std::string& key) {
  const auto found = find(key);
  std::vector<Value> texts;
  if (!found) return texts;
  for (const Value& item : found->items()) {
    if (item.text()) texts.push_back(item);
  }
  return texts;
}

void BlockFields::expect(std::initializer_list<const char*> keys) {
  known_.insert(keys.begin(), keys.end());
}

std::vector<std::string> BlockFields::unread() const {
  std::vector<std::string> paths;
  if (!block_.is_map()) return paths;
  for (const auto& [key, value] : block_.entries()) {
    const bool says_nothing = value.is_null() || (!value.is_scalar() && value.node().size() == 0);
    if (!known_.contains(key) && !says_nothing) paths.push_back(value.path());
  }
  return paths;
}

WeightFormat integer_format(std::int64_t bits, std::int64_t group_size, bool symmetric,
                            const WeightFormat& wide) {
  WeightFormat format;
  format.dtype = bits == 4 ? Dtype::kInt4 : Dtype::kInt8;
  format.activations = wide.dtype;
  if (group_size <= 0) return format;
  format.group_size = group_size;
  format.scale_bytes = 2;
  format.zero_point_bytes = symmetric ? 0 : static_cast<double>(bits) / 8;
  return format;
}

std::int64_t bits_of(const Value& place) {
  const auto bits = place.integer(1, 16);
  if (bits && *bits != 4 && *bits != 8) place.fault("4 or 8 bits expected");
  return bits.value_or(8) == 4 ? 4 : 8;
}

WeightFormat fp8_block_format(const std::optional<Value>& block_size, double scale_bytes) {
  WeightFormat format{.dtype = Dtype::kFp8, .activations = Dtype::kFp8};
  if (!block_size) return format;
  const std::vector<Value> sides = block_size->items();
  if (sides.size() != 2) {
    block_size->fault("two whole numbers expected, outputs and inputs of a block");
    return format;
  }
  format.group_outputs = sides[0].integer(1, 65536).value_or(1);
  format.group_size = sides[1].integer(1, 65536).value_or(128);
  format.scale_bytes = scale_bytes;
  return format;
}

std::optional<Dtype> read_kv_format(const Value& value) {
  if (value.is_map()) {
    BlockFields scheme(value);
    const std::int64_t bits = scheme.whole_or("num_bits", 8, 1, 32);
    const bool is_float = scheme.text_or("type", "float") == "float";
    if (bits == 4 && is_float) return Dtype::kFp4;
    if (bits == 8) return is_float ? Dtype::kFp8 : Dtype::kInt8;
    value.fault("8 bits, or 4 bits of type float expected");
    return std::nullopt;
  }
  struct KvWord {
    const char* word;
    std::optional<Dtype> dtype;
  };
  constexpr std::array kKvWords = {
      KvWord{"FP8", Dtype::kFp8},   KvWord{"fp8", Dtype::kFp8},   KvWord{"fp8_e4m3", Dtype::kFp8},
      KvWord{"INT8", Dtype::kInt8}, KvWord{"int8", Dtype::kInt8}, KvWord{"NVFP4", Dtype::kFp4},
      KvWord{"auto", std::nullopt}, KvWord{"none", std::nullopt},
  };
  const auto text = value.text();
  std::vector<std::string> words;
  for (const KvWord& known : kKvWords) {
    if (text && *text == known.word) return known.dtype;
    words.emplace_back(known.word);
  }
  if (text) value.fault("one of " + comma_list(words) + " expected");
  return std::nullopt;
}

}  // namespace moesim
