#include "models/router/bank/routing_sampler.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "models/router/bank/one_by_one.h"
#include "models/router/bank/token_blocks.h"

namespace moesim {

namespace {

// sums[i] += end[i] - begin[i], in the wrapping arithmetic of the running sums.
template <typename Sum>
void add_difference(const Sum* begin, const Sum* end, std::int64_t size, std::int32_t* sums) {
  for (std::int64_t i = 0; i < size; ++i) sums[i] += static_cast<Sum>(end[i] - begin[i]);
}

// Set bits among [first, first + size).
std::int32_t count_bits(const std::vector<std::uint64_t>& words, std::int64_t first,
                        std::int64_t size) {
  std::int32_t count = 0;
  while (size > 0) {
    const std::int64_t offset = first % 64;
    const std::int64_t length = std::min<std::int64_t>(64 - offset, size);
    const std::uint64_t mask = length == 64 ? ~0ULL : (1ULL << length) - 1;
    count += std::popcount(words[static_cast<std::size_t>(first / 64)] >> offset & mask);
    first += length;
    size -= length;
  }
  return count;
}

bool has_replicas(const std::vector<LayerPlacement>& placements) {
  return std::any_of(placements.begin(), placements.end(), [](const LayerPlacement& placement) {
    return placement.expert_of_slot.size() > placement.slots_of_expert.size();
  });
}

}  // namespace

// Adds the tokens of all sources up and turns the sums into what crosses each port.
class RoutingSampler::Draw {
 public:
  Draw(const RoutingSampler& sampler, std::int64_t layer, LayerLoad& load)
      : layout_(*sampler.layout_),
        blocks_(sampler.blocks_[static_cast<std::size_t>(layer)]),
        geometry_(sampler.geometry_),
        load_(load) {
    const auto groups = static_cast<std::size_t>(layout_.groups);
    const std::size_t ranks = layout_.nodes > 0 ? groups : 0;
    load.pairs.assign(groups, 0);
    load.rows.clear();
    load.dropped = 0;
    load.experts_hit.resize(groups);
    load.hits.assign(static_cast<std::size_t>(blocks_.words), 0);
    for (auto* copies :
         {&load.scale_up_out, &load.scale_up_in, &load.scale_out_out, &load.scale_out_in}) {
      copies->assign(ranks, 0);
    }
    // Normal mode: copies to each rank by the source's index in its node, then one source's copies
    // to each node. Low latency: pairs of each rank by the source's node, and a source's own and by
    // node.
    const std::int64_t rows = layout_.copies_by_rank ? geometry_.ranks_per_node : layout_.nodes;
    load.partials.assign(static_cast<std::size_t>(rows * layout_.groups) + ranks +
                             static_cast<std::size_t>(layout_.nodes),
                         0);
    own_ = load.partials.data() + rows * layout_.groups;
    by_node_ = own_ + ranks;
  }

  // Chooses where a source's tokens come from; asks the memory for them before they are needed.
  void plan(std::int64_t source, bool prefill, std::int64_t count, RandomStream& random) {
    while (count > 0) {
      LayerLoad::Window window{source, prefill};
      const bool is_long = count >= layout_.coarse;
      const int shift = is_long ? layout_.coarse_shift : layout_.fine_shift;
      window.begin = layout_.dealt ? next_place(count < layout_.fine ? 0 : shift)
                                   : random_place(shift, random);
      window.coarse = std::min(count >> layout_.coarse_shift, layout_.window_blocks);
      count -= window.coarse * layout_.coarse;
      if (count < layout_.coarse) {
        window.fine = count >> layout_.fine_shift;
        window.rest = count & (layout_.fine - 1);
        count = 0;
      }
      next_ = window.begin + window_tokens(window, layout_);
      if (!blocks_.decode.coarse.sums.empty()) prefetch(window);
      load_.windows.push_back(window);
    }
  }

  // Adds all planned tokens, first whole blocks, then single tokens: a vector load that follows
  // scalar stores to the same sums has to wait for them.
  void add_up() {
    add_windows([this](const LayerLoad::Window& window) { add_window(window); });
    add_windows([this](const LayerLoad::Window& window) {
      for (std::int64_t i = 0; i < window.rest; ++i) {
        add_token(window.source, rest_token(window, i));
      }
    });
  }

  void finish(const LayerPlacement& placement) {
    if (layout_.copies_by_rank) forward_inside_nodes();
    if (low_latency()) receive_messages();
    const std::int64_t slots = placement.slots_per_group();
    for (std::int64_t g = 0; g < layout_.groups; ++g) {
      load_.experts_hit[static_cast<std::size_t>(g)] = count_bits(load_.hits, g * slots, slots);
    }
  }

 private:
  // Adds every window source by source and sends what leaves each source.
  void add_windows(const auto& add) {
    std::int64_t source = -1;
    for (const LayerLoad::Window& window : load_.windows) {
      if (window.source != source) {
        if (source >= 0) send(source);
        source = window.source;
        row_ = row_of(source);
      }
      add(window);
    }
    if (source >= 0) send(source);
  }

  std::int64_t places(int shift) const {
    return layout_.coarse_blocks << (layout_.coarse_shift - shift);
  }
  std::int64_t random_place(int shift, RandomStream& random) const {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(places(shift))))
           << shift;
  }
  // The first whole block after the last window.
  std::int64_t next_place(int shift) const {
    return ((next_ + (std::int64_t{1} << shift) - 1) >> shift) % places(shift) << shift;
  }
  bool low_latency() const { return layout_.nodes > 0 && !layout_.copies_by_rank; }
  // The row of sums that a source's copies (normal) or pairs (low latency) go to.
  std::int32_t* row_of(std::int64_t source) {
    if (layout_.nodes == 0) return load_.pairs.data();
    const std::int64_t row =
        layout_.copies_by_rank ? source % geometry_.ranks_per_node : geometry_.node_of(source);
    return load_.partials.data() + row * layout_.groups;
  }
  const BlockOrder& order_of(const LayerLoad::Window& window) const {
    return window.prefill ? blocks_.prefill : blocks_.decode;
  }
  std::int64_t fine_begin(const LayerLoad::Window& window) const {
    return window.begin + window.coarse * layout_.coarse;
  }
  // Picks of the token `i` places after the window's whole blocks.
  const std::uint16_t* rest_token(const LayerLoad::Window& window, std::int64_t i) const {
    const auto& tokens = window.prefill ? layout_.prefill : layout_.decode;
    const std::int64_t at = fine_begin(window) + window.fine * layout_.fine + i;
    const auto token = static_cast<std::size_t>(tokens[static_cast<std::size_t>(at)]);
    return blocks_.picks.data() + layout_.place[token] * blocks_.top_k;
  }

  template <typename Sum>
  void prefetch_blocks(const BlockSums<Sum>& blocks, std::int64_t first, std::int64_t count) const {
    constexpr auto kLine = static_cast<std::int64_t>(64 / sizeof(Sum));
    const Sum* begin = blocks.sums.data() + first * layout_.width;
    for (std::int64_t i = 0; i < layout_.width; i += kLine) {
      __builtin_prefetch(begin + i);
      __builtin_prefetch(begin + count * layout_.width + i);
    }
    __builtin_prefetch(blocks.hits.data() + first * blocks_.words);
  }

  void prefetch(const LayerLoad::Window& window) const {
    const BlockOrder& order = order_of(window);
    if (window.coarse > 0) {
      prefetch_blocks(order.coarse, window.begin >> layout_.coarse_shift, window.coarse);
    }
    if (window.fine > 0) {
      prefetch_blocks(order.fine, fine_begin(window) >> layout_.fine_shift, window.fine);
    }
    for (std::int64_t i = 0; i < window.rest; ++i) __builtin_prefetch(rest_token(window, i));
  }

  void add_window(const LayerLoad::Window& window) {
    const BlockOrder& order = order_of(window);
    if (window.coarse > 0) {
      add_blocks(order.coarse, window.source, window.begin >> layout_.coarse_shift, window.coarse);
    }
    if (window.fine > 0) {
      add_blocks(order.fine, window.source, fine_begin(window) >> layout_.fine_shift, window.fine);
    }
  }

  template <typename Sum>
  void add_blocks(const BlockSums<Sum>& blocks, std::int64_t source, std::int64_t first,
                  std::int64_t count) {
    const std::uint64_t* hit = blocks.hits.data() + first * blocks_.words;
    for (std::int64_t b = 0; b < count; ++b) {
      for (std::uint64_t& word : load_.hits) word |= *hit++;
    }
    const Sum* begin = blocks.sums.data() + first * layout_.width;
    const Sum* end = begin + count * layout_.width;
    const std::int64_t groups = layout_.groups;
    if (layout_.nodes > 0) {
      const std::int64_t nodes_at = layout_.nodes_at();
      add_difference(begin + nodes_at, end + nodes_at, layout_.nodes, by_node_);
    }
    if (layout_.copies_by_rank) {
      add_difference(begin, end, groups, load_.pairs.data());
      add_difference(begin + groups, end + groups, groups, row_);
    } else {
      add_difference(begin, end, groups, row_);
    }
    if (low_latency()) own_[source] += static_cast<Sum>(end[source] - begin[source]);
  }

  // The pointers are copied so that the compiler need not reload them after every sum it stores.
  void add_token(std::int64_t source, const std::uint16_t* picks) {
    const std::uint16_t* const group_of_slot = blocks_.group_of_slot.data();
    const std::uint16_t* const node_of_slot = blocks_.node_of_slot.data();
    const std::uint16_t* end = picks;
    while (end < picks + blocks_.top_k && *end != Pick::kNone) ++end;
    std::uint64_t* const hits = load_.hits.data();
    for (const std::uint16_t* pick = picks; pick < end; ++pick) {
      const std::uint16_t slot = *pick & Pick::kSlotMask;
      hits[slot / 64] |= 1ULL << (slot % 64);
    }
    std::int32_t* const row = row_;
    std::int32_t* const by_node = by_node_;
    if (layout_.copies_by_rank) {
      std::int32_t* const pairs = load_.pairs.data();
      for (const std::uint16_t* pick = picks; pick < end; ++pick) {
        const std::uint16_t slot = *pick & Pick::kSlotMask;
        const std::uint16_t group = group_of_slot[slot];
        ++pairs[group];
        row[group] += *pick >> 14 & 1;
        by_node[node_of_slot[slot]] += *pick >> 15;
      }
      return;
    }
    for (const std::uint16_t* pick = picks; pick < end; ++pick) {
      const std::uint16_t slot = *pick & Pick::kSlotMask;
      ++row[group_of_slot[slot]];
      if (!low_latency()) continue;
      ++by_node[node_of_slot[slot]];
      own_[source] += group_of_slot[slot] == source ? 1 : 0;
    }
  }

  // What leaves a source, once all its tokens are added.
  void send(std::int64_t source) {
    if (layout_.copies_by_rank) send_to_nodes(source);
    if (low_latency()) send_messages(source);
    std::fill(by_node_, by_node_ + layout_.nodes, 0);
  }

  void send_to_nodes(std::int64_t source) {
    const std::int64_t home = geometry_.node_of(source);
    const std::int64_t local = source - home * geometry_.ranks_per_node;
    for (std::int64_t node = 0; node < layout_.nodes; ++node) {
      if (node == home) continue;
      const std::int64_t to = geometry_.receiver(node, local);
      load_.scale_out_out[static_cast<std::size_t>(source)] += by_node_[node];
      load_.scale_out_in[static_cast<std::size_t>(to)] += by_node_[node];
    }
  }

  void forward_inside_nodes() {
    for (std::int64_t local = 0; local < geometry_.ranks_per_node; ++local) {
      const std::int32_t* copies = load_.partials.data() + local * layout_.groups;
      for (std::int64_t node = 0; node < layout_.nodes; ++node) {
        const std::int64_t from = geometry_.receiver(node, local);
        std::int64_t sent = -static_cast<std::int64_t>(copies[from]);
        for (std::int64_t r = node * geometry_.ranks_per_node; r < geometry_.node_end(node); ++r) {
          sent += copies[r];
          load_.scale_up_in[static_cast<std::size_t>(r)] += copies[r];
        }
        load_.scale_up_in[static_cast<std::size_t>(from)] -= copies[from];
        load_.scale_up_out[static_cast<std::size_t>(from)] += sent;
      }
    }
  }

  void send_messages(std::int64_t source) {
    const std::int64_t all = std::accumulate(by_node_, by_node_ + layout_.nodes, std::int64_t{0});
    const std::int64_t inside = by_node_[geometry_.node_of(source)];
    load_.scale_up_out[static_cast<std::size_t>(source)] += inside;
    load_.scale_out_out[static_cast<std::size_t>(source)] += all - inside;
  }

  // Pairs that stay on their source were counted as sent inside its node.
  void receive_messages() {
    for (std::int64_t r = 0; r < layout_.groups; ++r) {
      load_.scale_up_out[static_cast<std::size_t>(r)] -= own_[r];
      load_.scale_up_in[static_cast<std::size_t>(r)] -= own_[r];
    }
    for (std::int64_t node = 0; node < layout_.nodes; ++node) {
      const std::int32_t* pairs = load_.partials.data() + node * layout_.groups;
      for (std::int64_t r = 0; r < layout_.groups; ++r) {
        const bool inside = geometry_.node_of(r) == node;
        auto& in = inside ? load_.scale_up_in : load_.scale_out_in;
        in[static_cast<std::size_t>(r)] += pairs[r];
        load_.pairs[static_cast<std::size_t>(r)] += pairs[r];
      }
    }
  }

  const BlockLayout& layout_;
  const TokenBlocks& blocks_;
  const DispatchGeometry& geometry_;
  LayerLoad& load_;
  std::int64_t next_ = 0;            // Place after the last window.
  std::int32_t* row_ = nullptr;      // Sums that the current source's copies go to.
  std::int32_t* own_ = nullptr;      // [rank] Low latency: pairs that stay on their source.
  std::int32_t* by_node_ = nullptr;  // [node] One source's copies or pairs.
};

std::int64_t window_tokens(const LayerLoad::Window& window, const BlockLayout& layout) {
  return window.coarse * layout.coarse + window.fine * layout.fine + window.rest;
}

RoutingSampler::RoutingSampler(const RoutingBank& bank, std::vector<LayerPlacement> placement,
                               DispatchGeometry geometry, const CapacitySpec& capacity)
    : bank_(bank),
      placement_(std::move(placement)),
      geometry_(geometry),
      one_by_one_((geometry.tokens_travel && geometry.replicas == ReplicaChoice::kStatic &&
                   has_replicas(placement_)) ||
                  limits_rows(capacity)),
      layout_(std::make_unique<BlockLayout>(bank, placement_.front(), geometry)) {
  moe_.num_experts = bank.num_experts;
  moe_.top_k = bank.top_k;
  moe_.router.capacity = capacity;
  if (one_by_one_) {
    const std::int64_t sources = geometry.tokens_travel ? geometry.ranks : 1;
    source_blocks_ = std::make_unique<SourceBlocks>(bank.num_layers, sources);
  }
  blocks_.reserve(placement_.size());
  for (std::int64_t layer = 0; layer < bank_.num_layers; ++layer) {
    blocks_.push_back(make_blocks(layer));
  }
}

RoutingSampler::~RoutingSampler() = default;
RoutingSampler::RoutingSampler(RoutingSampler&&) noexcept = default;

TokenBlocks RoutingSampler::make_blocks(std::int64_t layer) const {
  TokenBlocks blocks(bank_, layer, placement_[static_cast<std::size_t>(layer)], geometry_,
                     *layout_);
  if (!one_by_one_) blocks.sum_up(*layout_);
  return blocks;
}

void RoutingSampler::place(std::int64_t layer, LayerPlacement placement) {
  placement_[static_cast<std::size_t>(layer)] = std::move(placement);
  blocks_[static_cast<std::size_t>(layer)] = make_blocks(layer);
  if (source_blocks_) source_blocks_->clear(layer);
}

void RoutingSampler::draw(std::int64_t layer, std::span<const SourceTokens> sources,
                          RandomStream& random, LayerLoad& load) const {
  load.windows.clear();
  Draw draw(*this, layer, load);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const auto source = static_cast<std::int64_t>(s);
    draw.plan(source, false, sources[s].decode, random);
    draw.plan(source, true, sources[s].prefill, random);
  }
  const LayerPlacement& placement = placement_[static_cast<std::size_t>(layer)];
  if (one_by_one_) {
    const TokenBlocks& blocks = blocks_[static_cast<std::size_t>(layer)];
    add_one_by_one({*layout_, blocks, placement, geometry_, moe_, layer, *source_blocks_}, load);
    return;
  }
  draw.add_up();
  draw.finish(placement);
}

}  // namespace moesim
