#include "models/router/kernel/selection.h"

#include <algorithm>

namespace moesim {

namespace {

template <std::size_t N>
std::int32_t maximum(const std::int32_t* keys) {
  std::int32_t result = keys[0];
  for (std::size_t i = 1; i < N; ++i) result = std::max(result, keys[i]);
  return result;
}

}  // namespace

KeySelection::KeySelection(std::int64_t num_keys)
    : num_keys_(static_cast<std::size_t>(num_keys)),
      keys_((num_keys_ + kBlock - 1) / kBlock * kBlock, kTaken),
      block_max_(keys_.size() / kBlock) {}

void KeySelection::mask(std::int64_t first, std::int64_t last) {
  std::fill(keys_.begin() + first, keys_.begin() + last, kTaken + 1);
}

void KeySelection::select(std::span<std::uint16_t> chosen) {
  for (std::size_t b = 0; b < block_max_.size(); ++b) {
    block_max_[b] = maximum<kBlock>(keys_.data() + b * kBlock);
  }
  for (std::uint16_t& pick : chosen) {
    std::size_t best = 0;
    for (std::size_t b = 1; b < block_max_.size(); ++b) {
      best = block_max_[b] > block_max_[best] ? b : best;
    }
    std::int32_t* block = keys_.data() + best * kBlock;
    std::size_t i = 0;
    while (block[i] != block_max_[best]) ++i;
    pick = static_cast<std::uint16_t>(best * kBlock + i);
    block[i] = kTaken;
    block_max_[best] = maximum<kBlock>(block);
  }
}

}  // namespace moesim
