// The batch of a step as the parts that travel one after another: all of it, or two halves for
// two-batch overlap.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "models/router/draw/routing_sampler.h"
#include "sim/step/step_batch.h"

namespace moesim {

class HalfBatches {
 public:
  // [attention-DP rank]
  using Ranks = std::vector<const RankBatch*>;

  // Keeps references to the batches until the next call. With `split`, the batch is cut in two if
  // every rank that has tokens has at least two. Sequences, tokens and the keys that they read are
  // cut evenly, as engines cut a batch so that both halves have the same work.
  void take(std::span<const RankStep> ranks, bool split);

  std::size_t count() const { return count_; }
  const Ranks& half(std::size_t i) const { return halves_[i]; }
  // Tokens by half and attention-DP rank.
  std::span<const std::vector<SourceTokens>> tokens() const { return {tokens_.data(), count_}; }

 private:
  std::size_t count_ = 1;
  std::array<Ranks, 2> halves_;
  std::array<std::vector<SourceTokens>, 2> tokens_;
  std::array<std::vector<RankBatch>, 2> cut_;
};

}  // namespace moesim
