// Fields of a quantisation block; remembers which were asked for.
#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/document.h"
#include "models/spec/weight_format.h"

namespace moesim {

class BlockFields {
 public:
  explicit BlockFields(Value block) : block_(std::move(block)) {}

  // The value, or nothing where it is absent or null.
  std::optional<Value> find(const std::string& key);
  std::optional<Value> find_any(std::initializer_list<const char*> keys);
  std::string text_or(const std::string& key, const std::string& otherwise);
  bool flag_or(const std::string& key, bool otherwise);
  std::int64_t whole_or(const std::string& key, std::int64_t otherwise, std::int64_t min,
                        std::int64_t max);
  // The texts of a list; none where it is absent.
  std::vector<Value> list(const std::string& key);
  // Keys that change neither bytes nor kernels.
  void expect(std::initializer_list<const char*> keys);

  // Paths of the keys that nobody asked for.
  std::vector<std::string> unread() const;
  const Value& value() const { return block_; }

 private:
  Value block_;
  std::set<std::string> known_;
};

// Integer weights of 4 or 8 bits in groups of `group_size` inputs (0: one scale per output) with
// 16-bit scales and, if not symmetric, zero points as wide as the weights. 16-bit activations.
WeightFormat integer_format(std::int64_t bits, std::int64_t group_size, bool symmetric,
                            const WeightFormat& wide);

// A number of bits that can be represented; a fault at `place` and 8 otherwise.
std::int64_t bits_of(const Value& place);

// Of `weight_block_size`: inputs and outputs that share a scale.
WeightFormat fp8_block_format(const std::optional<Value>& block_size, double scale_bytes);

// kv_cache_scheme or kv_cache_quant_algo: a map with num_bits and type, or a word.
std::optional<Dtype> read_kv_format(const Value& value);

}  // namespace moesim
