#include "models/router/draw/token_blocks.h"

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

// The picks of a layer's tokens, one token after another.
class Picker {
 public:
  Picker(const TokenBlocks& blocks, const LayerPlacement& placement, bool flagged)
      : blocks_(blocks), turns_(placement), flagged_(flagged) {
    last_on_group_.assign(static_cast<std::size_t>(placement.groups), -1);
    last_on_node_ = last_on_group_;
  }

  // A token's slots, in normal mode with the flags of Pick.
  void pick(std::span<const std::uint16_t> ids, std::uint16_t* picks) {
    ++token_;
    for (const std::uint16_t id : ids) {
      if (!turns_.is_placed(id)) continue;
      const auto slot = static_cast<std::uint16_t>(turns_.next(id));
      *picks++ = flagged_ ? slot | flags_of(slot) : slot;
    }
  }

 private:
  std::uint16_t flags_of(std::uint16_t slot) {
    std::int32_t& on_group = last_on_group_[blocks_.group_of_slot[slot]];
    std::int32_t& on_node = last_on_node_[blocks_.node_of_slot[slot]];
    const int flags =
        (on_group == token_ ? 0 : Pick::kGroupFlag) | (on_node == token_ ? 0 : Pick::kNodeFlag);
    on_group = on_node = token_;
    return static_cast<std::uint16_t>(flags);
  }

  const TokenBlocks& blocks_;
  ReplicaTurns turns_;
  bool flagged_;
  // The last token that had a pair there.
  std::vector<std::int32_t> last_on_group_, last_on_node_;
  std::int32_t token_ = -1;
};

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

// Adds a token's picks to running sums and marks.
void add_token(const TokenBlocks& blocks, const BlockLayout& layout, std::int64_t place,
               std::uint32_t* sum, std::uint64_t* hit) {
  const std::uint16_t* const group_of_slot = blocks.group_of_slot.data();
  const std::uint16_t* const node_of_slot = blocks.node_of_slot.data();
  const std::uint16_t* const picks = blocks.picks.data() + place * blocks.top_k;
  const std::uint16_t* const end = picks + blocks.top_k;
  std::uint32_t* const copies = sum + layout.copies_at();
  std::uint32_t* const nodes = sum + layout.nodes_at();
  const bool by_rank = layout.copies_by_rank;
  for (const std::uint16_t* pick = picks; pick != end && *pick != Pick::kNone; ++pick) {
    const std::uint16_t slot = *pick & Pick::kSlotMask;
    const std::uint16_t group = group_of_slot[slot];
    hit[slot / 64] |= 1ULL << (slot % 64);
    ++sum[group];
    if (!by_rank) continue;
    copies[group] += (*pick & Pick::kGroupFlag) != 0 ? 1U : 0U;
    nodes[node_of_slot[slot]] += (*pick & Pick::kNodeFlag) != 0 ? 1U : 0U;
  }
}

// Rows of running sums, in order. Sums kept in bytes wrap around.
template <typename Sum>
class Rows {
 public:
  Rows(std::size_t tokens, int block_shift, const BlockLayout& layout, BlockSums<Sum>& made)
      : layout_(layout), made_(made), last_of_block_((std::size_t{1} << block_shift) - 1) {
    made.shift = layout.coarse_shift - block_shift;
    made.rows = static_cast<std::int64_t>(tokens >> layout.coarse_shift) + 1;
    made.sums.resize(static_cast<std::size_t>((made.rows << made.shift) * layout.width));
    add({});
  }

  // The sums after a token.
  void pass(std::size_t token, std::span<const std::uint32_t> sums) {
    if ((token & last_of_block_) == last_of_block_) add(sums);
  }

 private:
  void add(std::span<const std::uint32_t> sums) {
    std::transform(sums.begin(), sums.end(),
                   made_.sums.data() + made_.place(next_++) * layout_.width,
                   [](std::uint32_t value) { return static_cast<Sum>(value); });
  }

  const BlockLayout& layout_;
  BlockSums<Sum>& made_;
  std::size_t last_of_block_;
  std::int64_t next_ = 0;
};

// The marks of longer blocks.
BlockMarks merged(const BlockMarks& marks, std::int64_t words, int shift) {
  const int merging = shift - marks.shift;
  const std::int64_t blocks = static_cast<std::int64_t>(marks.words.size()) / words >> merging;
  BlockMarks made{shift, {}};
  made.words.resize(static_cast<std::size_t>(blocks * words), 0);
  for (std::int64_t b = 0; b < blocks << merging; ++b) {
    for (std::int64_t w = 0; w < words; ++w) {
      made.words[static_cast<std::size_t>((b >> merging) * words + w)] |=
          marks.words[static_cast<std::size_t>(b * words + w)];
    }
  }
  return made;
}

// The layout that fills the longest rows: those of others are their beginning.
const BlockLayout& widest(std::span<const BlockLayout> layouts) {
  return *std::max_element(
      layouts.begin(), layouts.end(),
      [](const BlockLayout& a, const BlockLayout& b) { return a.filled() < b.filled(); });
}

BlockOrder block_order(const TokenBlocks& blocks, const std::vector<std::int32_t>& tokens,
                       std::span<const BlockLayout> layouts) {
  const BlockLayout& layout = widest(layouts);
  std::vector<std::uint32_t> sum(static_cast<std::size_t>(layout.width), 0);
  BlockOrder order;
  order.sums.resize(layouts.size());
  std::vector<Rows<std::uint8_t>> fine;
  std::vector<Rows<std::uint16_t>> coarse;
  order.fine_hits.shift = layout.coarse_shift;
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const BlockLayout& own = layouts[i];
    fine.emplace_back(tokens.size(), own.fine_shift, own, order.sums[i].fine);
    coarse.emplace_back(tokens.size(), own.coarse_shift, own, order.sums[i].coarse);
    order.fine_hits.shift = std::min(order.fine_hits.shift, own.fine_shift);
  }
  const int shift = order.fine_hits.shift;
  order.fine_hits.words.resize((tokens.size() >> shift) * static_cast<std::size_t>(blocks.words));
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    add_token(blocks, layout, layout.place[static_cast<std::size_t>(tokens[t])], sum.data(),
              order.fine_hits.words.data() + (t >> shift) * static_cast<std::size_t>(blocks.words));
    for (std::size_t i = 0; i < layouts.size(); ++i) {
      const auto filled = std::span(sum).first(static_cast<std::size_t>(layouts[i].filled()));
      fine[i].pass(t, filled);
      coarse[i].pass(t, filled);
    }
  }
  const int middle_shift = (shift + layout.coarse_shift + 1) / 2;
  order.middle_hits = merged(order.fine_hits, blocks.words, middle_shift);
  order.coarse_hits = merged(order.middle_hits, blocks.words, layout.coarse_shift);
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
  width = round_up(filled(), kRowStep);
  byte_tokens = 255 / bank.top_k;
  while (coarse < 64 && 2 * coarse - 1 <= byte_tokens) coarse *= 2;
  // An element of a row costs about a 32nd of a pair: longer rows, longer short blocks.
  while (fine < coarse && fine * 32 * bank.top_k < width) fine *= 2;
  fine_shift = std::countr_zero(static_cast<std::uint64_t>(fine));
  coarse_shift = std::countr_zero(static_cast<std::uint64_t>(coarse));
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
                         std::span<const BlockLayout> layouts)
    : words(round_up((static_cast<std::int64_t>(placement.expert_of_slot.size()) + 63) / 64,
                     kMarkStep)),
      top_k(bank.top_k),
      picks(static_cast<std::size_t>(bank.num_tokens() * bank.top_k), Pick::kNone) {
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    const std::int32_t group = placement.group_of_slot(static_cast<std::int32_t>(slot));
    group_of_slot.push_back(static_cast<std::uint16_t>(group));
    node_of_slot.push_back(static_cast<std::uint16_t>(group / geometry.ranks_per_node));
  }
  const BlockLayout& layout = widest(layouts);
  Picker picker(*this, placement, layout.copies_by_rank);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    std::uint16_t* const mine = picks.data() + layout.place[static_cast<std::size_t>(t)] * top_k;
    picker.pick(bank.token(layer, t), mine);
    full = full && mine[top_k - 1] != Pick::kNone;
  }
  if (geometry.tokens_travel && geometry.replicas == ReplicaChoice::kStatic) {
    nearest = nearest_slots(placement, geometry);
  }
}

void TokenBlocks::sum_up(std::span<const BlockLayout> layouts) {
  decode = block_order(*this, layouts.front().decode, layouts);
  prefill = block_order(*this, layouts.front().prefill, layouts);
  reachable.assign(static_cast<std::size_t>(words), 0);
  const auto& all = decode.coarse_hits.words;
  for (std::size_t i = 0; i < all.size(); ++i) {
    reachable[i % static_cast<std::size_t>(words)] |= all[i];
  }
}

}  // namespace moesim
