#include "models/router/draw/per_token_draw.h"

#include <bit>
#include <limits>

#include "models/router/kernel/capacity.h"

namespace moesim {

namespace {

constexpr RoutingPhase kPhase = RoutingPhase::kDecode;  // Not training.

// Tokens of a source, pair by pair.
class TokenAdder {
 public:
  explicit TokenAdder(const PerTokenDraw& draw)
      : draw_(draw),
        destinations_(draw.geometry),
        slot_pairs_(draw.placement.expert_of_slot.size(), 0),
        taken_(draw.placement.slots_of_expert.size(), 0) {}

  // From now on an expert takes so many pairs.
  void limit(std::int64_t most) { most_ = most; }

  // The slots that serve the tokens to come are those nearest to this source.
  void start(std::int64_t source) {
    const auto slots = static_cast<std::int64_t>(slot_pairs_.size());
    const auto& nearest = draw_.blocks.nearest;
    nearest_ = nearest.empty() ? nullptr : nearest.data() + source * slots;
  }

  void add(const std::vector<std::int32_t>& order, std::int64_t begin, std::int64_t end) {
    const TokenBlocks& blocks = draw_.blocks;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto token = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
      add_token(blocks.picks.data() + draw_.layout.place[token] * blocks.top_k);
    }
  }

  Destinations& destinations() { return destinations_; }
  const std::vector<std::int64_t>& slot_pairs() const { return slot_pairs_; }
  std::int64_t dropped() const { return dropped_; }

 private:
  void add_token(const std::uint16_t* picks) {
    const std::uint16_t* const group_of_slot = draw_.blocks.group_of_slot.data();
    destinations_.add_token();
    for (std::int64_t j = 0; j < draw_.blocks.top_k && picks[j] != Pick::kNone; ++j) {
      std::uint16_t slot = picks[j] & Pick::kSlotMask;
      if (nearest_ != nullptr) slot = nearest_[slot];
      if (most_ < kNoLimit && is_full(slot)) continue;
      ++slot_pairs_[slot];
      if (draw_.geometry.tokens_travel) destinations_.add_pair(group_of_slot[slot]);
    }
  }

  bool is_full(std::uint16_t slot) {
    const auto expert = static_cast<std::size_t>(draw_.placement.expert_of_slot[slot]);
    if (++taken_[expert] <= most_) return false;
    ++dropped_;
    return true;
  }

  static constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

  const PerTokenDraw& draw_;
  Destinations destinations_;
  const std::uint16_t* nearest_ = nullptr;
  std::vector<std::int64_t> slot_pairs_;
  std::vector<std::int64_t> taken_;  // [expert]
  std::int64_t most_ = kNoLimit;
  std::int64_t dropped_ = 0;
};

const std::vector<std::int32_t>& order_of(const BlockLayout& layout, bool prefill) {
  return prefill ? layout.prefill : layout.decode;
}

void add_by_group(const PerTokenDraw& draw, const std::vector<std::int64_t>& slot_pairs,
                  auto& groups) {
  for (std::size_t slot = 0; slot < slot_pairs.size(); ++slot) {
    const std::uint16_t group = draw.blocks.group_of_slot[slot];
    groups[group] +=
        static_cast<std::remove_reference_t<decltype(groups[group])>>(slot_pairs[slot]);
  }
}

void mark_hits(const std::vector<std::int64_t>& slot_pairs, std::uint64_t* hits) {
  for (std::size_t slot = 0; slot < slot_pairs.size(); ++slot) {
    if (slot_pairs[slot] > 0) hits[slot / 64] |= 1ULL << (slot % 64);
  }
}

SourceSums make_sums(const PerTokenDraw& draw, std::int64_t source, bool prefill) {
  const auto& order = order_of(draw.layout, prefill);
  const auto blocks = static_cast<std::int64_t>(order.size()) / SourceSums::kBlockTokens;
  std::vector<std::int64_t> pairs(static_cast<std::size_t>(draw.placement.groups), 0);
  Destinations all(draw.geometry);
  SourceSums made;
  made.hits.assign(static_cast<std::size_t>(blocks * draw.blocks.words), 0);
  for (std::int64_t b = 0; b <= blocks; ++b) {
    for (const auto* counts : {&pairs, &all.ranks(), &all.nodes()}) {
      for (const std::int64_t count : *counts) {
        made.sums.push_back(static_cast<std::uint16_t>(count));
      }
    }
    if (b == blocks) break;
    TokenAdder adder(draw);
    adder.start(source);
    adder.add(order, b * SourceSums::kBlockTokens, (b + 1) * SourceSums::kBlockTokens);
    add_by_group(draw, adder.slot_pairs(), pairs);
    mark_hits(adder.slot_pairs(), made.hits.data() + b * draw.blocks.words);
    Destinations& block = adder.destinations();
    for (std::size_t r = 0; r < block.ranks().size(); ++r) all.ranks()[r] += block.ranks()[r];
    for (std::size_t n = 0; n < block.nodes().size(); ++n) all.nodes()[n] += block.nodes()[n];
  }
  return made;
}

class Adder {
 public:
  Adder(const PerTokenDraw& draw, LayerLoad& load) : draw_(draw), load_(load), tokens_(draw) {
    const auto groups = static_cast<std::size_t>(draw.placement.groups);
    const std::size_t ranks = draw.geometry.tokens_travel ? groups : 0;
    load.pairs.assign(groups, 0);
    load.experts_hit.assign(groups, 0);
    load.hits.assign(static_cast<std::size_t>(draw.blocks.words), 0);
    for (auto* copies :
         {&load.scale_up_out, &load.scale_up_in, &load.scale_out_out, &load.scale_out_in}) {
      copies->assign(ranks, 0);
    }
    load.rows.clear();
    std::int64_t tokens = 0;
    for (const auto& window : load.windows) tokens += window_tokens(window, draw.layout);
    if (is_dropless(capacity(), kPhase)) return;
    most_ = expert_capacity(draw.moe, tokens, kPhase);
    tokens_.limit(most_);
  }

  void add_up() {
    for (std::size_t w = 0; w < load_.windows.size(); ++w) {
      const LayerLoad::Window& window = load_.windows[w];
      tokens_.start(window.source);
      add_window(window);
      const bool is_last =
          w + 1 == load_.windows.size() || load_.windows[w + 1].source != window.source;
      if (is_last && draw_.geometry.tokens_travel) send(window.source);
    }
    add_by_group(draw_, tokens_.slot_pairs(), load_.pairs);
    mark_hits(tokens_.slot_pairs(), load_.hits.data());
    for (std::size_t slot = 0; slot < tokens_.slot_pairs().size(); ++slot) {
      const bool is_hit = (load_.hits[slot / 64] >> (slot % 64) & 1) != 0;
      load_.experts_hit[draw_.blocks.group_of_slot[slot]] += is_hit ? 1 : 0;
    }
    load_.dropped = tokens_.dropped();
    if (capacity().pad && !is_dropless(capacity(), kPhase)) {
      pad_to_capacity();
    } else if (capacity().block > 1) {
      pad_to_blocks();
    }
  }

 private:
  const CapacitySpec& capacity() const { return draw_.moe.router.capacity; }

  void add_window(const LayerLoad::Window& window) {
    constexpr std::int64_t kBlock = SourceSums::kBlockTokens;
    const auto& order = order_of(draw_.layout, window.prefill);
    const std::int64_t end = window.begin + window_tokens(window, draw_.layout);
    const std::int64_t first = (window.begin + kBlock - 1) / kBlock, last = end / kBlock;
    if (first >= last || limits_rows(capacity())) {
      tokens_.add(order, window.begin, end);
      return;
    }
    tokens_.add(order, window.begin, first * kBlock);
    add_blocks(window, first, last);
    tokens_.add(order, last * kBlock, end);
  }

  void add_blocks(const LayerLoad::Window& window, std::int64_t first, std::int64_t last) {
    SourceSums& known = draw_.sums.at(draw_.layer, window.source, window.prefill);
    if (known.sums.empty()) known = make_sums(draw_, window.source, window.prefill);
    const std::uint64_t* hit = known.hits.data() + first * draw_.blocks.words;
    for (std::int64_t b = first; b < last; ++b) {
      for (std::uint64_t& word : load_.hits) word |= *hit++;
    }
    Destinations& destinations = tokens_.destinations();
    const std::size_t width =
        load_.pairs.size() + destinations.ranks().size() + destinations.nodes().size();
    const std::uint16_t* begin = known.sums.data() + static_cast<std::size_t>(first) * width;
    const std::uint16_t* end = known.sums.data() + static_cast<std::size_t>(last) * width;
    const auto add_to = [&](auto& counts) {
      for (auto& count : counts) count += static_cast<std::uint16_t>(*end++ - *begin++);
    };
    add_to(load_.pairs);
    add_to(destinations.ranks());
    add_to(destinations.nodes());
  }

  void send(std::int64_t source) {
    const DispatchGeometry& geometry = draw_.geometry;
    tokens_.destinations().for_each_copy(source, [&](std::int64_t from, std::int64_t to,
                                                     std::int64_t copies) {
      const bool inside = geometry.node_of(from) == geometry.node_of(to);
      (inside ? load_.scale_up_out : load_.scale_out_out)[static_cast<std::size_t>(from)] += copies;
      (inside ? load_.scale_up_in : load_.scale_out_in)[static_cast<std::size_t>(to)] += copies;
    });
    tokens_.destinations().clear();
  }

  void pad_to_capacity() {
    load_.rows.assign(load_.pairs.size(), 0);
    if (load_.windows.empty()) return;
    for (std::size_t slot = 0; slot < draw_.placement.expert_of_slot.size(); ++slot) {
      const auto expert = static_cast<std::size_t>(draw_.placement.expert_of_slot[slot]);
      const auto copies = static_cast<std::int64_t>(draw_.placement.slots_of_expert[expert].size());
      load_.rows[draw_.blocks.group_of_slot[slot]] +=
          static_cast<std::int32_t>((most_ + copies - 1) / copies);
    }
    load_.experts_hit.assign(load_.pairs.size(),
                             static_cast<std::int32_t>(draw_.placement.slots_per_group()));
  }

  void pad_to_blocks() {
    const std::int64_t block = capacity().block;
    load_.rows.assign(load_.pairs.size(), 0);
    const auto& slot_pairs = tokens_.slot_pairs();
    for (std::size_t slot = 0; slot < slot_pairs.size(); ++slot) {
      load_.rows[draw_.blocks.group_of_slot[slot]] +=
          static_cast<std::int32_t>((slot_pairs[slot] + block - 1) / block * block);
    }
  }

  const PerTokenDraw& draw_;
  LayerLoad& load_;
  TokenAdder tokens_;
  std::int64_t most_ = 0;  // Pairs that an expert takes, if limited.
};

}  // namespace

SourceBlocks::SourceBlocks(std::int64_t layers, std::int64_t sources)
    : sources_(sources), sums_(static_cast<std::size_t>(2 * layers * sources)) {}

SourceSums& SourceBlocks::at(std::int64_t layer, std::int64_t source, bool prefill) {
  return sums_[static_cast<std::size_t>(2 * (layer * sources_ + source) + (prefill ? 1 : 0))];
}

void SourceBlocks::clear(std::int64_t layer) {
  for (std::int64_t source = 0; source < sources_; ++source) {
    at(layer, source, false) = at(layer, source, true) = {};
  }
}

bool limits_rows(const CapacitySpec& capacity) {
  return !is_dropless(capacity, kPhase) || capacity.block > 1;
}

void add_per_token(const PerTokenDraw& draw, LayerLoad& load) {
  Adder(draw, load).add_up();
}

}  // namespace moesim
