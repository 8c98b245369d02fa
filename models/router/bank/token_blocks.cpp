#include "models/router/bank/token_blocks.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/random.h"

namespace moesim {

namespace {

// Tokens drawn from one random place: less than a bank, so that large steps mix several places.
constexpr std::int64_t kWindowTokens = 512;

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
  made.sums = sum;
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
      if (layout.nodes == 0) continue;
      Sum& on_node = sum[static_cast<std::size_t>(layout.nodes_at()) + blocks.node_of_slot[slot]];
      if (!layout.copies_by_rank || (picks[j] & Pick::kNodeFlag) != 0) ++on_node;
      if (!layout.copies_by_rank || (picks[j] & Pick::kGroupFlag) == 0) continue;
      ++sum[static_cast<std::size_t>(layout.copies_at()) + group];
    }
    if (i % block == block - 1) made.sums.insert(made.sums.end(), sum.begin(), sum.end());
  }
  return made;
}

}  // namespace

BlockLayout::BlockLayout(const RoutingBank& bank, const LayerPlacement& placement,
                         const DispatchGeometry& geometry)
    : groups(placement.groups),
      copies_by_rank(geometry.tokens_travel && geometry.mode == DispatchMode::kNormal) {
  if (geometry.tokens_travel) {
    nodes = (geometry.ranks + geometry.ranks_per_node - 1) / geometry.ranks_per_node;
  }
  width = groups * (copies_by_rank ? 2 : 1) + nodes;
  // A byte holds what fewer than `coarse` tokens can add to one sum.
  while (coarse < 64 && (2 * coarse - 1) * bank.top_k <= 255) coarse *= 2;
  // An element of a row costs about an eighth of a pair: longer rows, longer short blocks.
  while (fine < coarse && fine * 8 * bank.top_k < width) fine *= 2;
  fine_shift = std::countr_zero(static_cast<std::uint64_t>(fine));
  coarse_shift = std::countr_zero(static_cast<std::uint64_t>(coarse));
  coarse_blocks = (bank.num_tokens() + coarse - 1) / coarse;
  window_blocks = std::clamp<std::int64_t>(kWindowTokens / coarse, 1, coarse_blocks);
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
    : words((static_cast<std::int64_t>(placement.expert_of_slot.size()) + 63) / 64),
      top_k(bank.top_k),
      picks(static_cast<std::size_t>(bank.num_tokens() * bank.top_k), Pick::kNone) {
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    const std::int32_t group = placement.group_of_slot(static_cast<std::int32_t>(slot));
    group_of_slot.push_back(static_cast<std::uint16_t>(group));
    node_of_slot.push_back(static_cast<std::uint16_t>(group / geometry.ranks_per_node));
  }
  ReplicaTurns turns(placement);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    fill_picks(bank.token(layer, t), *this, turns,
               picks.data() + layout.place[static_cast<std::size_t>(t)] * top_k);
  }
  if (geometry.tokens_travel && geometry.replicas == ReplicaChoice::kStatic) {
    nearest = nearest_slots(placement, geometry);
  }
}

void TokenBlocks::sum_up(const BlockLayout& layout) {
  decode = {block_sums<std::uint8_t>(*this, layout.decode, layout, layout.fine),
            block_sums<std::uint16_t>(*this, layout.decode, layout, layout.coarse)};
  prefill = {block_sums<std::uint8_t>(*this, layout.prefill, layout, layout.fine),
             block_sums<std::uint16_t>(*this, layout.prefill, layout, layout.coarse)};
}

}  // namespace moesim
