// The batch of a step as the halves in which it travels: all of it, or two for two-batch overlap.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/serving/batcher.h"

namespace moesim {

// Part i of n of a count, the first parts one larger where it does not divide.
constexpr std::int64_t even_part(std::int64_t count, std::int64_t i, std::int64_t n) {
  return count / n + (i < count % n ? 1 : 0);
}

class HalfBatches {
 public:
  // By attention-DP rank.
  using Ranks = std::vector<const RankBatch*>;

  // Keeps references to the batches until the next call. Splits where asked to and every rank that
  // has tokens has two: sequences and tokens are cut evenly, and the keys they read with them, as
  // engines cut a batch so that both halves have the same work.
  void take(std::span<const RankStep> ranks, bool split);

  std::size_t count() const { return count_; }
  const Ranks& half(std::size_t i) const { return halves_[i]; }

 private:
  std::size_t count_ = 1;
  std::array<Ranks, 2> halves_;
  std::array<std::vector<RankBatch>, 2> cut_;
};

}  // namespace moesim
