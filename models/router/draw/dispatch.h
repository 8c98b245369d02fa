// How tokens travel to their experts and back: which ranks a copy passes, and its bytes.
// Source of all of it: docs/physics.md, "Payloads".
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "base/units.h"
#include "base/words.h"
#include "models/placement/placement.h"

namespace moesim {

enum class DispatchMode {
  kNormal,      // One copy per distinct destination node, then one per distinct rank inside it.
  kLowLatency,  // One message per chosen expert, straight to its rank.
  kAllGather,   // A copy to every other rank, for any choice of experts.
  kAllToAll,    // One copy per chosen expert, by the library.
};

// How results come back from the experts of a DeepEP dispatch.
enum class CombineFormat {
  kBf16,
  kLogFmt10,  // 10 bits per value; low-latency mode only.
};
template <>
inline constexpr auto kWords<CombineFormat> = enum_words<CombineFormat>({
    {CombineFormat::kBf16, "bf16"},
    {CombineFormat::kLogFmt10, "logfmt10"},
});

// Ranks of one pipeline stage as the dispatch sees them. One EP group = one rank where tokens
// travel.
struct DispatchGeometry {
  std::int64_t ranks = 1;           // Stage ranks.
  std::int64_t ranks_per_node = 1;  // Consecutive ranks share a node.
  bool tokens_travel = false;       // False: no dispatch, only the group loads are summed.
  DispatchMode mode = DispatchMode::kNormal;
  ReplicaChoice replicas = ReplicaChoice::kDynamic;  // kStatic: where tokens travel.

  std::int64_t nodes() const { return (ranks + ranks_per_node - 1) / ranks_per_node; }
  std::int64_t node_of(std::int64_t rank) const { return rank / ranks_per_node; }
  // The rank after a node's last.
  std::int64_t node_end(std::int64_t node) const {
    return std::min(ranks, (node + 1) * ranks_per_node);
  }
  // The rank of a node that takes the copies of sources with this index in their own node; the last
  // node may be short.
  std::int64_t receiver(std::int64_t node, std::int64_t local) const {
    return std::min(node * ranks_per_node + local, node_end(node) - 1);
  }
};

// Bytes of one copy of a token of `width` values on its way to an expert, b bytes a value, scales
// of 4 B per 128 values in fp8 and 1 B per 16 in fp4.
//   normal:                  align16(width b + scales + 8 + 8 top_k)
//   low latency:             16 + width b + scales
//   all-gather, all-to-all:  width b
Bytes dispatch_payload(std::int64_t width, std::int64_t top_k, Dtype dtype, DispatchMode mode);
// Bytes of one result on its way back.
//   bf16:      2 width
//   LogFMT-10: 10 width / 8 + 4 width / 128
Bytes combine_payload(std::int64_t width, CombineFormat format, DispatchMode mode);

// Round robin over the replicas of each expert, in the order of calls.
class ReplicaTurns {
 public:
  explicit ReplicaTurns(const LayerPlacement& placement);
  // Whether an id is an expert that lies anywhere: not a zero expert, not kNoExpert.
  bool is_placed(std::uint16_t id) const { return id < turns_.size(); }
  std::int32_t next(std::uint16_t expert) {
    Turn& turn = turns_[expert];
    const std::int32_t slot = slots_[turn.next];
    if (++turn.next == turn.last) turn.next = turn.first;
    return slot;
  }

 private:
  // Places in slots_; the last one is excluded.
  struct Turn {
    std::uint32_t first = 0, last = 0, next = 0;
  };

  std::vector<std::int32_t> slots_;  // Expert by expert.
  std::vector<Turn> turns_;          // [expert]
};

// The slot that serves a source's pairs with an expert under ReplicaChoice::kStatic: on the source
// itself, else on its node, else anywhere. Equally near slots are shared out by the source's
// index; on its own node by its index there.
std::int32_t nearest_slot(const LayerPlacement& placement, const DispatchGeometry& geometry,
                          std::int64_t source, std::int64_t expert);

// Destinations of one source's tokens: counts per rank and node, from which copies follow.
class Destinations {
 public:
  explicit Destinations(const DispatchGeometry& geometry);

  void clear();
  // A token, and then the rank of each of its pairs.
  void add_token() { ++token_; }
  void add_pair(std::int64_t rank) {
    if (!by_node_) {
      ++ranks_[static_cast<std::size_t>(rank)];
      return;
    }
    Seen& on_rank = rank_seen_[static_cast<std::size_t>(rank)];
    if (on_rank.token == token_) return;
    on_rank.token = token_;
    ++ranks_[static_cast<std::size_t>(rank)];
    std::int64_t& on_node = node_seen_[static_cast<std::size_t>(on_rank.node)];
    if (on_node == token_) return;
    on_node = token_;
    ++nodes_[static_cast<std::size_t>(on_rank.node)];
  }

  // Tokens with a pair on a rank (normal mode) or pairs of a rank; and tokens with a pair on a node
  // (normal mode only). Counts made elsewhere may be added.
  std::vector<std::int64_t>& ranks() { return ranks_; }
  std::vector<std::int64_t>& nodes() { return nodes_; }

  // Calls visit(from, to, copies) for all copies that the tokens cause, if `source` has them.
  void for_each_copy(std::int64_t source, const auto& visit) const {
    if (by_node_) {
      for_each_normal_copy(source, visit);
      return;
    }
    for (std::int64_t r = 0; r < geometry_.ranks; ++r) {
      const std::int64_t copies = geometry_.mode == DispatchMode::kAllGather
                                      ? token_ - before_
                                      : ranks_[static_cast<std::size_t>(r)];
      if (r != source && copies > 0) visit(source, r, copies);
    }
  }

 private:
  struct Seen {
    std::int64_t token = 0;  // The last one that had a pair on the rank.
    std::int64_t node = 0;   // Node of the rank.
  };

  void for_each_normal_copy(std::int64_t source, const auto& visit) const {
    const std::int64_t home = geometry_.node_of(source);
    const std::int64_t local = source - home * geometry_.ranks_per_node;
    for (std::int64_t node = 0; node < geometry_.nodes(); ++node) {
      const std::int64_t entry = node == home ? source : geometry_.receiver(node, local);
      const std::int64_t on_node = nodes_[static_cast<std::size_t>(node)];
      if (on_node == 0) continue;
      if (node != home) visit(source, entry, on_node);
      for (std::int64_t r = node * geometry_.ranks_per_node; r < geometry_.node_end(node); ++r) {
        const std::int64_t copies = ranks_[static_cast<std::size_t>(r)];
        if (r != entry && copies > 0) visit(entry, r, copies);
      }
    }
  }

  DispatchGeometry geometry_;
  bool by_node_;
  std::vector<std::int64_t> ranks_, nodes_;
  std::vector<Seen> rank_seen_;
  std::vector<std::int64_t> node_seen_;  // The last token that had a pair on the node.
  std::int64_t token_ = 0;
  std::int64_t before_ = 0;  // Tokens that were cleared.
};

}  // namespace moesim
