// Running sums over a bank's tokens in two orders, so that what a window of tokens asks of groups,
// ranks and nodes is the difference of two rows. Bytes over short blocks, 16 bits over long ones:
// small enough that the layers of a step stay in the cache.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/bank/routing_sampler.h"

namespace moesim {

// What is the same in all layers. A row of sums holds pairs per group, then (normal mode) copies
// per rank, then (where tokens travel) per node the copies (normal mode) or pairs (low latency).
struct BlockLayout {
  BlockLayout(const RoutingBank& bank, const LayerPlacement& placement,
              const DispatchGeometry& geometry);

  std::int64_t copies_at() const { return groups; }
  std::int64_t nodes_at() const { return width - nodes; }

  std::int64_t groups = 1;
  std::int64_t nodes = 0;       // 0 where tokens do not travel.
  bool copies_by_rank = false;  // Normal mode.
  std::int64_t width = 0;       // Of a row.
  std::int64_t fine = 1;        // Tokens of a short block, 2^fine_shift.
  std::int64_t coarse = 1;      // Tokens of a long block, 2^coarse_shift >= fine.
  int fine_shift = 0;
  int coarse_shift = 0;
  std::int64_t coarse_blocks = 0;  // Long blocks that a window can start at.
  std::int64_t window_blocks = 0;  // Longest window in long blocks.
  // Balanced tokens were dealt in bank order: a draw that takes them in that order, whatever the
  // source, is as even as they are.
  bool dealt = false;
  // Bank tokens, continued cyclically past the last block; neighbours in `decode` come from
  // different sequences, neighbours in `prefill` from one.
  std::vector<std::int32_t> decode, prefill;
  std::vector<std::int32_t> place;  // Of a bank token in `decode`.
};

// A chosen expert's physical slot, and whether it is the token's first on its group and on its
// node.
struct Pick {
  static constexpr std::uint16_t kGroupFlag = 0x4000;
  static constexpr std::uint16_t kNodeFlag = 0x8000;
  static constexpr std::uint16_t kSlotMask = 0x3FFF;
  static constexpr std::uint16_t kNone = 0xFFFF;  // After a token's last real expert.
};

// Sums in one order at one block length. Sums wrap; differences over allowed windows do not.
template <typename Sum>
struct BlockSums {
  std::vector<Sum> sums;            // [block + 1][width]
  std::vector<std::uint64_t> hits;  // [block][words] a bit per slot.
};

struct BlockOrder {
  BlockSums<std::uint8_t> fine;
  BlockSums<std::uint16_t> coarse;
};

// One layer of a bank under a placement. Expert ids without a place (zero experts,
// RoutingBank::kNoExpert) have no pick.
struct TokenBlocks {
  TokenBlocks(const RoutingBank& bank, std::int64_t layer, const LayerPlacement& placement,
              const DispatchGeometry& geometry, const BlockLayout& layout);
  // Fills the sums of both orders.
  void sum_up(const BlockLayout& layout);

  std::int64_t words = 0;  // 64 slots each.
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
