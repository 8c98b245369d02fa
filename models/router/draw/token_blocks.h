// Running sums over a bank's tokens in two orders, so that the load of a window of tokens on
// groups, ranks and nodes is the difference of two rows. Bytes over short blocks, 16 bits over long
// ones: small enough that the layers of a step stay in the cache.
#pragma once

#include <boost/align/aligned_allocator.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/draw/routing_sampler.h"

namespace moesim {

// The row that a source's sums are added to, and its place in the cluster.
struct SourcePlace {
  std::int64_t row = 0;              // Row of LayerLoad::partials.
  std::int64_t node = 0;             // Node of the source.
  std::int64_t first = 0, last = 0;  // Ranks of that node; `last` is excluded.
  // Local rank that receives from ranks with the same index on other nodes.
  std::int64_t receiver = 0;
};

// Sizes that are the same in all layers. A row of sums holds pairs per group, then (normal mode)
// copies per rank and copies per node.
struct BlockLayout {
  BlockLayout(const RoutingBank& bank, const LayerPlacement& placement,
              const DispatchGeometry& geometry);

  std::int64_t copies_at() const { return groups; }
  std::int64_t nodes_at() const { return 2 * groups; }
  // Filled entries of a row.
  std::int64_t filled() const { return copies_by_rank ? 2 * groups + nodes : groups; }

  std::int64_t groups = 1;
  std::int64_t nodes = 0;       // 0 where tokens do not travel.
  bool copies_by_rank = false;  // Normal mode.
  std::int64_t width = 0;       // Entries of a row, padded to a multiple of kRowStep.
  std::int64_t fine = 1;        // Tokens of a short block, 2^fine_shift.
  std::int64_t coarse = 1;      // Tokens of a long block, 2^coarse_shift >= fine.
  int fine_shift = 0;
  int coarse_shift = 0;
  std::vector<SourcePlace> sources;  // [rank]; a single one where tokens do not travel.
  std::int64_t rows = 1;             // Sums that sources share: by node (low latency), or by index
                                     // in their node (normal).
  std::int64_t byte_tokens = 0;      // Longest window whose sums fit into bytes.
  std::int64_t coarse_blocks = 0;    // Long blocks that a window can start at.
  std::int64_t window_blocks = 0;    // Longest window in long blocks.
  // Balanced tokens were dealt in bank order: a draw that takes them in that order, for any
  // source, is as even as they are.
  bool dealt = false;
  // Bank tokens, continued cyclically past the last block; neighbours in `decode` come from
  // different sequences, neighbours in `prefill` from one.
  std::vector<std::int32_t> decode, prefill;
  std::vector<std::int32_t> place;  // [bank token] its place in `decode`.
};

// A chosen expert's physical slot and, if any layout is of normal mode, whether it is the token's
// first on its group and on its node.
struct Pick {
  static constexpr std::uint16_t kGroupFlag = 0x4000;
  static constexpr std::uint16_t kNodeFlag = 0x8000;
  static constexpr std::uint16_t kSlotMask = 0x3FFF;
  static constexpr std::uint16_t kNone = 0xFFFF;  // After a token's last real expert.
};

// Rows and marks are padded to vector registers and aligned to cache lines.
inline constexpr std::int64_t kRowStep = 16;
inline constexpr std::int64_t kMarkStep = 4;
template <typename T>
using AlignedVector = std::vector<T, boost::alignment::aligned_allocator<T, 64>>;

// A bit per slot that a block's tokens picked, for blocks of 2^shift tokens: [block][words].
struct BlockMarks {
  int shift = 0;
  AlignedVector<std::uint64_t> words;
};

// Sums in one order at one block length. Sums wrap; differences over allowed windows do not.
//
// Windows of one length begin at multiples of it, so that the rows of short blocks where they begin
// and end have few remainders by a long block: those of one remainder lie together, on few pages of
// memory.
//
// Example: short blocks of 32 tokens, long ones of 512. A window of 1,100 tokens from token 1024 on
// is two long blocks (1024 to 2047), two short ones (2048 to 2111) and 12 single tokens. Its pairs
// on group g are the difference of rows 2048 and 1024 of the long sums, plus that of rows 2112 and
// 2048 of the short ones, plus the picks of the 12 tokens on g.
template <typename Sum>
struct BlockSums {
  // Index of the prefix-sum row before `block` (of the block itself for long blocks).
  std::int64_t place(std::int64_t block) const {
    const std::int64_t remainder = block & ((std::int64_t{1} << shift) - 1);
    return remainder * rows + (block >> shift);
  }

  int shift = 0;            // Remainders are by 2^shift blocks; 0 for long ones.
  std::int64_t rows = 0;    // Rows of each remainder.
  AlignedVector<Sum> sums;  // [remainder][row][width]
};

// Loads of blocks of tokens in one order; marks of the shortest blocks that any layout has, of
// long ones, and of some between.
struct BlockOrder {
  struct Sums {
    BlockSums<std::uint8_t> fine;
    BlockSums<std::uint16_t> coarse;
  };

  std::vector<Sums> sums;  // [layout]
  BlockMarks fine_hits, middle_hits, coarse_hits;
};

// One layer of a bank under a placement. Expert ids without a place (zero experts,
// kNoExpert) have no pick.
struct TokenBlocks {
  // Layouts of geometries that differ in their mode alone.
  TokenBlocks(const RoutingBank& bank, std::int64_t layer, const LayerPlacement& placement,
              const DispatchGeometry& geometry, std::span<const BlockLayout> layouts);
  // Fills both orders.
  void sum_up(std::span<const BlockLayout> layouts);

  std::int64_t words = 0;                // 64 slots each; a multiple of kMarkStep.
  bool full = true;                      // All tokens have top_k picks.
  std::vector<std::uint64_t> reachable;  // A bit per slot that any token picks.
  std::int64_t top_k = 0;
  std::vector<std::uint16_t> picks;          // [place in decode order][top_k]
  std::vector<std::uint16_t> group_of_slot;  // [slot]
  std::vector<std::uint16_t> node_of_slot;   // [slot]
  // Static replicas where tokens travel: [source * slots + slot] the slot that serves the source
  // instead; else empty.
  std::vector<std::uint16_t> nearest;
  BlockOrder decode, prefill;
};

}  // namespace moesim
