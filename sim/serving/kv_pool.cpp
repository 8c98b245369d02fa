#include "sim/serving/kv_pool.h"

#include <algorithm>
#include <stdexcept>

namespace moesim {

KvPool::KvPool(std::int64_t blocks, const KvBlockShape& block) : blocks_(blocks), block_(block) {
  if (blocks <= 0 || block.tokens <= 0) {
    throw std::invalid_argument("a KV pool needs at least one block of one token");
  }
}

bool KvPool::allocate(std::int64_t blocks) {
  if (blocks > free()) return false;
  allocated_ += blocks;
  peak_ = std::max(peak_, held());
  return true;
}

void KvPool::release(std::int64_t blocks) {
  if (blocks < 0 || blocks > held()) throw std::logic_error("released blocks that nobody holds");
  released_ += blocks;
}

}  // namespace moesim
