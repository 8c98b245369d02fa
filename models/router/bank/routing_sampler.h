// Draws the tokens of a step from a RoutingBank and sums what they mean for every EP group and
// rank: pairs, distinct experts hit, and the copies that dispatch and combine move.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"

namespace moesim {

// How copies of a token travel (../shared/research/router.md, section 5).
enum class DispatchMode {
  kNormal,      // One copy per distinct destination node, then one per distinct rank inside it.
  kLowLatency,  // One message per chosen expert, straight to its rank.
};

// Ranks of one pipeline stage as the dispatch sees them. One EP group = one rank where tokens
// travel.
struct DispatchGeometry {
  std::int64_t ranks = 1;           // Stage ranks.
  std::int64_t ranks_per_node = 1;  // Consecutive ranks share a node.
  bool tokens_travel = false;       // False: no dispatch, only the group loads are summed.
  DispatchMode mode = DispatchMode::kNormal;
};

// Tokens that a source rank brings into a layer.
struct SourceTokens {
  std::int64_t decode = 0;   // From as many different sequences.
  std::int64_t prefill = 0;  // Consecutive tokens of few sequences.
};

// What one layer of one step asks of every group and rank.
struct LayerLoad {
  std::vector<std::int32_t> pairs;        // [group] token-expert pairs.
  std::vector<std::int32_t> experts_hit;  // [group] distinct physical experts with a token.
  // Token copies that cross a rank's ports during dispatch (combine mirrors them). Own copies
  // excluded.
  std::vector<std::int64_t> scale_up_out, scale_up_in;    // [rank]
  std::vector<std::int64_t> scale_out_out, scale_out_in;  // [rank]

  // Working storage of draw().
  struct Window {
    std::int64_t source = 0;
    bool prefill = false;
    std::int64_t begin = 0;   // Place in the phase's order: a whole number of its first blocks.
    std::int64_t coarse = 0;  // Long blocks, followed by ...
    std::int64_t fine = 0;    // ... short blocks, followed by ...
    std::int64_t rest = 0;    // ... single tokens.
  };
  std::vector<Window> windows;
  std::vector<std::uint64_t> hits;     // A bit per physical slot.
  std::vector<std::int32_t> partials;  // Sums of copies by source.
};

struct BlockLayout;
struct TokenBlocks;

class RoutingSampler {
 public:
  // `placement[layer]` for every MoE layer of the bank; a token's pairs with an expert go to the
  // expert's slots in turn, in bank order. Precomputes running sums over blocks of tokens in two
  // orders (decode mixes sequences, prefill keeps them together), so that a draw subtracts two
  // vectors. Requires: the bank outlives the sampler; where tokens travel, groups = ranks.
  RoutingSampler(const RoutingBank& bank, std::vector<LayerPlacement> placement,
                 DispatchGeometry geometry);
  ~RoutingSampler();
  RoutingSampler(RoutingSampler&&) noexcept;
  RoutingSampler(const RoutingSampler&) = delete;
  RoutingSampler& operator=(const RoutingSampler&) = delete;
  RoutingSampler& operator=(RoutingSampler&&) = delete;

  // Draws fresh tokens for one layer of one step: for every source and phase, tokens that follow
  // one another in the phase's order from a random place on (a new place every 512 tokens).
  // sources.size() = geometry.ranks where tokens travel, else 1. Requires: layer < bank.num_layers.
  // Fills `load` (its storage is reused).
  void draw(std::int64_t layer, std::span<const SourceTokens> sources, RandomStream& random,
            LayerLoad& load) const;

 private:
  class Draw;
  const RoutingBank& bank_;
  std::vector<LayerPlacement> placement_;
  DispatchGeometry geometry_;
  std::unique_ptr<BlockLayout> layout_;
  std::vector<TokenBlocks> blocks_;  // [layer]
};

}  // namespace moesim
