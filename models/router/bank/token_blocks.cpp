#include "models/router/bank/token_blocks.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/random.h"

namespace moesim {

namespace {

// Tokens drawn from one random place: less than a bank, so that large steps mix several places.
constexpr std::int64_t kWindowTokens = 512;

constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

// In each round every sequence gives one token; sequences and tokens are shuffled. A baseline's
// tokens have nothing in common with their sequence, and balanced ones are so in bank order.
std::vector<std::int32_t> mixed_order(const RoutingBank& bank) {
  if (bank.origin == RoutingOrigin::kBaseline) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(bank.num_tokens()));
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  RandomStream random(0, "decode order");
  const auto shuffle = [&](std::vector<std::int32_t>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
  };
  std::vector<std::vector<std::int32_t>> positions(static_cast<std::size_t>(bank.sequences));
  for (auto& row : positions) {
    row.resize(static_cast<std::size_t>(bank.sequence_tokens));
    std::iota(row.begin(), row.end(), 0);
    shuffle(row);
  }
  std::vector<std::int32_t> sequences(static_cast<std::size_t>(bank.sequences));
  std::iota(sequences.begin(), sequences.end(), 0);
  std::vector<std::int32_t> order;
  for (std::size_t round = 0; round < static_cast<std::size_t>(bank.sequence_tokens); ++round) {
    shuffle(sequences);
    for (const std::int32_t s : sequences) {
      order.push_back(static_cast<std::int32_t>(s * bank.sequence_tokens) +
                      positions[static_cast<std::size_t>(s)][round]);
    }
  }
  return order;
}

// Whether a baseline's experts are chosen equally often, but for the last cards of its decks: by
// chance that does not happen.
bool is_dealt(const RoutingBank& bank) {
  if (bank.origin != RoutingOrigin::kBaseline) return false;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bank.num_experts), 0);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    for (const std::uint16_t id : bank.token(0, t)) {
      if (id < counts.size()) ++counts[id];
    }
  }
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return *most - *least <= 2;
}

std::vector<SourcePlace> source_places(const DispatchGeometry& geometry, bool by_index) {
  if (!geometry.tokens_travel) return {SourcePlace{}};
  std::vector<SourcePlace> places;
  for (std::int64_t source = 0; source < geometry.ranks; ++source) {
    const std::int64_t node = geometry.node_of(source);
    const std::int64_t first = node * geometry.ranks_per_node;
    const std::int64_t local = source - first;
    places.push_back({by_index ? local : node, node, first, geometry.node_end(node),
                      geometry.receiver(node, local)});
  }
  return places;
}

// A token's slots, with the flags of Pick.
void fill_picks(std::span<const std::uint16_t> ids, const TokenBlocks& blocks, ReplicaTurns& turns,
                std::uint16_t* picks) {
  std::uint16_t* end = picks;
  for (const std::uint16_t id : ids) {
    if (!turns.is_placed(id)) continue;
    const auto slot = static_cast<std::uint16_t>(turns.next(id));
    std::uint16_t flags = Pick::kGroupFlag | Pick::kNodeFlag;
    for (const std::uint16_t* other = picks; other != end; ++other) {
      const std::uint16_t taken = *other & Pick::kSlotMask;
      if (blocks.group_of_slot[taken] == blocks.group_of_slot[slot]) flags &= Pick::kNodeFlag;
      if (blocks.node_of_slot[taken] == blocks.node_of_slot[slot]) flags &= Pick::kGroupFlag;
    }
    *end++ = slot | flags;
  }
}

std::vector<std::uint16_t> nearest_slots(const LayerPlacement& placement,
                                         const DispatchGeometry& geometry) {
  std::vector<std::uint16_t> nearest;
  for (std::int64_t source = 0; source < geometry.ranks; ++source) {
    for (const std::int32_t expert : placement.expert_of_slot) {
      const std::int32_t slot = nearest_slot(placement, geometry, source, expert);
      nearest.push_back(static_cast<std::uint16_t>(slot));
    }
  }
  return nearest;
}

template <typename Sum>
BlockSums<Sum> block_sums(const TokenBlocks& blocks, const std::vector<std::int32_t>& tokens,
                          const BlockLayout& layout, std::int64_t block) {
  const std::int64_t num_blocks = static_cast<std::int64_t>(tokens.size()) / block;
  std::vector<Sum> sum(static_cast<std::size_t>(layout.width), 0);
  BlockSums<Sum> made;
  made.sums.reserve(static_cast<std::size_t>((num_blocks + 1) * layout.width));
  made.sums.assign(sum.begin(), sum.end());
  made.hits.assign(static_cast<std::size_t>(num_blocks * blocks.words), 0);
  for (std::int64_t i = 0; i < num_blocks * block; ++i) {
    std::uint64_t* hit = made.hits.data() + i / block * blocks.words;
    const std::int64_t place =
        layout.place[static_cast<std::size_t>(tokens[static_cast<std::size_t>(i)])];
    const std::uint16_t* const picks = blocks.picks.data() + place * blocks.top_k;
    for (std::int64_t j = 0; j < blocks.top_k && picks[j] != Pick::kNone; ++j) {
      const std::uint16_t slot = picks[j] & Pick::kSlotMask;
      const std::size_t group = blocks.group_of_slot[slot];
      hit[slot / 64] |= 1ULL << (slot % 64);
      ++sum[group];
      if (!layout.copies_by_rank) continue;
      const std::size_t node = blocks.node_of_slot[slot];
      if ((picks[j] & Pick::kNodeFlag) != 0) {
        ++sum[static_cast<std::size_t>(layout.nodes_at()) + node];
      }
      if ((picks[j] & Pick::kGroupFlag) != 0) {
        ++sum[static_cast<std::size_t>(layout.copies_at()) + group];
      }
    }
    if (i % block == block - 1) made.sums.insert(made.sums.end(), sum.begin(), sum.end());
  }
  return made;
}

// The marks of blocks that are 2^shift times as long.
BlockMarks merged(const BlockMarks& marks, std::int64_t words, int shift) {
  const std::int64_t blocks = static_cast<std::int64_t>(marks.size()) / words;
  BlockMarks made(static_cast<std::size_t>((blocks >> shift) * words), 0);
  for (std::int64_t b = 0; b < blocks >> shift << shift; ++b) {
    for (std::int64_t w = 0; w < words; ++w) {
      made[static_cast<std::size_t>((b >> shift) * words + w)] |=
          marks[static_cast<std::size_t>(b * words + w)];
    }
  }
  return made;
}

BlockOrder block_order(const TokenBlocks& blocks, const std::vector<std::int32_t>& tokens,
                       const BlockLayout& layout) {
  BlockOrder order{block_sums<std::uint8_t>(blocks, tokens, layout, layout.fine),
                   {},
                   block_sums<std::uint16_t>(blocks, tokens, layout, layout.coarse)};
  const int shift = layout.middle_shift - layout.fine_shift;
  order.middle_hits = merged(order.fine.hits, blocks.words, shift);
  return order;
}

}  // namespace

BlockLayout::BlockLayout(const RoutingBank& bank, const LayerPlacement& placement,
                         const DispatchGeometry& geometry)
    : groups(placement.groups),
      copies_by_rank(geometry.tokens_travel && geometry.mode == DispatchMode::kNormal) {
  if (geometry.tokens_travel) {
    nodes = geometry.nodes();
    rows = copies_by_rank ? geometry.ranks_per_node : nodes;
  }
  sources = source_places(geometry, copies_by_rank);
  width = round_up(copies_by_rank ? 2 * groups + nodes : groups, kRowStep);
  byte_tokens = 255 / bank.top_k;
  while (coarse < 64 && 2 * coarse - 1 <= byte_tokens) coarse *= 2;
  // An element of a row costs about a 32nd of a pair: longer rows, longer short blocks.
  while (fine < coarse && fine * 32 * bank.top_k < width) fine *= 2;
  fine_shift = std::countr_zero(static_cast<std::uint64_t>(fine));
  coarse_shift = std::countr_zero(static_cast<std::uint64_t>(coarse));
  middle_shift = (fine_shift + coarse_shift + 1) / 2;
  coarse_blocks = (bank.num_tokens() + coarse - 1) / coarse;
  // 16 bits hold the sums of a window.
  const std::int64_t most_tokens = std::min(kWindowTokens, 65'535 / bank.top_k);
  window_blocks = std::clamp<std::int64_t>(most_tokens / coarse, 1, coarse_blocks);
  dealt = is_dealt(bank);
  decode = mixed_order(bank);
  prefill.resize(decode.size());
  std::iota(prefill.begin(), prefill.end(), 0);
  place.resize(decode.size());
  for (std::size_t i = 0; i < decode.size(); ++i) {
    place[static_cast<std::size_t>(decode[i])] = static_cast<std::int32_t>(i);
  }
  const auto size = static_cast<std::size_t>((coarse_blocks + window_blocks + 1) * coarse);
  for (std::vector<std::int32_t>* order : {&decode, &prefill}) {
    const std::size_t tokens = order->size();
    order->resize(size);
    for (std::size_t i = tokens; i < size; ++i) (*order)[i] = (*order)[i - tokens];
  }
}

TokenBlocks::TokenBlocks(const RoutingBank& bank, std::int64_t layer,
                         const LayerPlacement& placement, const DispatchGeometry& geometry,
                         const BlockLayout& layout)
    : words(round_up((static_cast<std::int64_t>(placement.expert_of_slot.size()) + 63) / 64,
                     kMarkStep)),
      top_k(bank.top_k),
      picks(static_cast<std::size_t>(bank.num_tokens() * bank.top_k), Pick::kNone) {
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    const std::int32_t group = placement.group_of_slot(static_cast<std::int32_t>(slot));
    group_of_slot.push_back(static_cast<std::uint16_t>(group));
    node_of_slot.push_back(static_cast<std::uint16_t>(group / geometry.ranks_per_node));
  }
  ReplicaTurns turns(placement);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    std::uint16_t* const mine = picks.data() + layout.place[static_cast<std::size_t>(t)] * top_k;
    fill_picks(bank.token(layer, t), *this, turns, mine);
    full = full && mine[top_k - 1] != Pick::kNone;
  }
  if (geometry.tokens_travel && geometry.replicas == ReplicaChoice::kStatic) {
    nearest = nearest_slots(placement, geometry);
  }
}

void TokenBlocks::sum_up(const BlockLayout& layout) {
  reachable.assign(static_cast<std::size_t>(words), 0);
  for (const std::uint16_t pick : picks) {
    if (pick == Pick::kNone) continue;
    const std::uint16_t slot = pick & Pick::kSlotMask;
    reachable[slot / 64] |= 1ULL << (slot % 64);
  }
  decode = block_order(*this, layout.decode, layout);
  prefill = block_order(*this, layout.prefill, layout);
}

}  // namespace moesim
