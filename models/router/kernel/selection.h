// The k largest of a row of scores without sorting it, ties to the lowest index.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace moesim {

// Integers that compare as the floats do (-0 equals +0), because the compiler vectorises integer
// maxima.
constexpr std::int32_t order_key(float score) {
  const auto bits = std::bit_cast<std::int32_t>(score + 0.0F);
  return bits ^ ((bits >> 31) & std::numeric_limits<std::int32_t>::max());
}
constexpr float from_order_key(std::int32_t key) {
  return std::bit_cast<float>(key ^ ((key >> 31) & std::numeric_limits<std::int32_t>::max()));
}

// Picks from one row of order keys. Keys are kept in blocks with the maximum of each block beside
// them: a pick reads the block maxima and one block, not the whole row.
class KeySelection {
 public:
  explicit KeySelection(std::int64_t num_keys);

  // The row to fill before select(); select() destroys it.
  std::span<std::int32_t> keys() { return {keys_.data(), num_keys_}; }

  // Excludes keys [first, last) unless nothing else is left.
  void mask(std::int64_t first, std::int64_t last);

  // Indices of the chosen.size() largest keys in falling order. Requires: no more than there are
  // keys.
  void select(std::span<std::uint16_t> chosen);

 private:
  static constexpr std::size_t kBlock = 16;
  static constexpr std::int32_t kTaken = std::numeric_limits<std::int32_t>::min();
  std::size_t num_keys_;
  std::vector<std::int32_t> keys_;  // Padded to whole blocks with kTaken.
  std::vector<std::int32_t> block_max_;
};

}  // namespace moesim
