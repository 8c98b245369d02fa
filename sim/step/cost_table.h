// A hash table of costs by integer key. Open addressing in one array, because the expert kernels of
// every rank and layer are looked up in every step.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/step/work_cost.h"

namespace moesim {

class CostTable {
 public:
  // The cost of a key, computed by `make(key)` the first time. The reference is valid until the
  // next call.
  template <class Make>
  const WorkCost& find(std::uint64_t key, const Make& make) {
    if (2 * (used_ + 1) > entries_.size()) grow();
    Entry& entry = slot(key);
    if (entry.key != key + 1) {
      entry = {key + 1, make(key)};
      ++used_;
    }
    return entry.cost;
  }

 private:
  struct Entry {
    std::uint64_t key = 0;  // Key + 1; 0 = empty.
    WorkCost cost;
  };

  Entry& slot(std::uint64_t key) {
    const std::size_t mask = entries_.size() - 1;
    // Fibonacci hashing: the multiplier is 2^64 over the golden ratio.
    std::size_t i = (key * 0x9E3779B97F4A7C15ull >> 32) & mask;
    while (entries_[i].key != 0 && entries_[i].key != key + 1) i = (i + 1) & mask;
    return entries_[i];
  }
  void grow() {
    std::vector<Entry> old = std::move(entries_);
    entries_ = std::vector<Entry>(old.empty() ? 64 : 2 * old.size());
    for (const Entry& entry : old) {
      if (entry.key != 0) slot(entry.key - 1) = entry;
    }
  }

  std::vector<Entry> entries_;
  std::size_t used_ = 0;
};

}  // namespace moesim
