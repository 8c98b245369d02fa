// Draws the tokens of a step from a RoutingBank and sums their load of every EP group and rank:
// pairs, distinct experts hit, and the copies that dispatch and combine move.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/draw/dispatch.h"

namespace moesim {

// Tokens that a source rank brings into a layer.
struct SourceTokens {
  std::int64_t decode = 0;   // From as many different sequences.
  std::int64_t prefill = 0;  // Consecutive tokens of few sequences.
};

// Load of every group and rank by one layer of one step.
struct LayerLoad {
  std::vector<std::int32_t> pairs;        // [group] token-expert pairs.
  std::vector<std::int32_t> experts_hit;  // [group] distinct physical experts with a token.
  // Token copies that cross a rank's ports during dispatch (combine mirrors them). Own copies
  // excluded.
  std::vector<std::int64_t> scale_up_out, scale_up_in;    // [rank]
  std::vector<std::int64_t> scale_out_out, scale_out_in;  // [rank]
  // Where experts compute whole capacities or blocks of rows: [group] rows; else empty, rows =
  // pairs.
  std::vector<std::int32_t> rows;
  std::int64_t dropped = 0;  // Pairs beyond their expert's capacity: neither sent nor computed.

  std::int32_t rows_of(std::size_t group) const {
    return rows.empty() ? pairs[group] : rows[group];
  }

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
class SourceBlocks;

// Tokens that a window holds under a layout.
std::int64_t window_tokens(const LayerLoad::Window& window, const BlockLayout& layout);

class RoutingSampler {
 public:
  // `placement[layer]` for every MoE layer of the bank; a token's pairs with an expert go to the
  // expert's slots in turn, in bank order, or to the one nearest to the token's source.
  // Precomputes running sums over blocks of tokens in two orders (decode mixes sequences, prefill
  // keeps them together), so that a draw subtracts two vectors. Where replicas are static or
  // experts have a capacity or compute blocks of rows, the same tokens are added token by
  // token instead. All-gather and the library's all-to-all count copies as low latency does.
  // `modes`: how a draw's tokens may travel; other modes of the geometry are ignored.
  // Requires: the bank outlives the sampler; where tokens travel, groups = ranks.
  RoutingSampler(const RoutingBank& bank, std::vector<LayerPlacement> placement,
                 const DispatchGeometry& geometry, std::span<const DispatchMode> modes,
                 const CapacitySpec& capacity);
  // With the geometry's mode alone.
  RoutingSampler(const RoutingBank& bank, std::vector<LayerPlacement> placement,
                 const DispatchGeometry& geometry, const CapacitySpec& capacity = {});
  ~RoutingSampler();
  RoutingSampler(RoutingSampler&&) noexcept;
  RoutingSampler(const RoutingSampler&) = delete;
  RoutingSampler& operator=(const RoutingSampler&) = delete;
  RoutingSampler& operator=(RoutingSampler&&) = delete;

  // Draws fresh tokens for one layer of one step: for every source and phase, tokens that follow
  // one another in the phase's order from a random place on (a new place every 512 tokens);
  // balanced tokens follow one another through all sources, from the bank's first on.
  // sources.size() = geometry.ranks where tokens travel, else 1. They travel in modes[way].
  // Requires: layer < bank.num_layers. Fills `load` (its storage is reused).
  void draw(std::int64_t layer, std::span<const SourceTokens> sources, RandomStream& random,
            LayerLoad& load, std::size_t way = 0) const;

  // Moves the experts of a layer. Requires: as many slots and groups as before.
  void place(std::int64_t layer, LayerPlacement placement);
  const std::vector<LayerPlacement>& placement() const { return placement_; }
  // The layout for modes[way].
  const BlockLayout& layout(std::size_t way = 0) const;

 private:
  TokenBlocks make_blocks(std::int64_t layer) const;

  const RoutingBank& bank_;
  std::vector<LayerPlacement> placement_;
  std::vector<DispatchGeometry> geometries_;  // [way]
  MoeSpec moe_;                               // For capacities.
  bool per_token_;                            // Tokens cannot be added in blocks.
  std::vector<BlockLayout> layouts_;          // [way]
  std::vector<TokenBlocks> blocks_;           // [layer]
  // [way] where tokens are added token by token: filled by draws.
  mutable std::vector<SourceBlocks> source_blocks_;
};

}  // namespace moesim
