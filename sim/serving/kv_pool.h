// Blocks of KV cache on one attention-DP rank: a counter that can neither overdraw nor leak.
#pragma once

#include <cstdint>

#include "models/memory/memory_ledger.h"

namespace moesim {

class KvPool {
 public:
  // Requires: blocks > 0, block.tokens > 0.
  KvPool(std::int64_t blocks, const KvBlockShape& block);

  // Blocks that a sequence of this many tokens holds.
  std::int64_t blocks_for(std::int64_t tokens) const { return block_.blocks_for(tokens); }
  // Takes all of `blocks` or, if fewer are free, none.
  bool allocate(std::int64_t blocks);
  // Requires: 0 <= blocks <= held().
  void release(std::int64_t blocks);

  std::int64_t blocks() const { return blocks_; }
  std::int64_t held() const { return allocated_ - released_; }
  std::int64_t free() const { return blocks_ - held(); }
  std::int64_t peak() const { return peak_; }
  // Since the start; allocated = released + held.
  std::int64_t allocated() const { return allocated_; }
  std::int64_t released() const { return released_; }

 private:
  std::int64_t blocks_;
  KvBlockShape block_;
  std::int64_t allocated_ = 0;
  std::int64_t released_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace moesim
