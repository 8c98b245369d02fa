#include "models/router/draw/block_draw.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/random.h"

namespace moesim {

namespace {

// Windows whose marks are prefetched: after them most experts are marked.
constexpr std::size_t kMarkedAhead = 12;

// Set bits of a word. Without an instruction for it std::popcount is a call.
std::int32_t set_bits(std::uint64_t word) {
  word -= word >> 1 & 0x5555555555555555ULL;
  word = (word & 0x3333333333333333ULL) + (word >> 2 & 0x3333333333333333ULL);
  word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0FULL;
  return static_cast<std::int32_t>(word * 0x0101010101010101ULL >> 56);
}

// Set bits among [first, first + size).
std::int32_t count_bits(const std::vector<std::uint64_t>& words, std::int64_t first,
                        std::int64_t size) {
  std::int32_t count = 0;
  while (size > 0) {
    const std::int64_t offset = first % 64;
    const std::int64_t length = std::min<std::int64_t>(64 - offset, size);
    const std::uint64_t mask = length == 64 ? ~0ULL : (1ULL << length) - 1;
    count += set_bits(words[static_cast<std::size_t>(first / 64)] >> offset & mask);
    first += length;
    size -= length;
  }
  return count;
}

// end - begin in the wrapping arithmetic of the running sums.
template <typename Sum>
std::int32_t difference(const Sum* begin, const Sum* end, std::int64_t i) {
  return static_cast<Sum>(end[i] - begin[i]);
}

// Requires: width is a multiple of kRowStep. The sums lie nowhere else.
template <typename Sum>
void add_differences(const Sum* begin, const Sum* end, std::int64_t width,
                     std::int32_t* __restrict__ sums) {
  for (std::int64_t i = 0; i < width; i += kRowStep) {
    Sum step[kRowStep];
    for (std::int64_t j = 0; j < kRowStep; ++j)
      step[j] = static_cast<Sum>(end[i + j] - begin[i + j]);
    for (std::int64_t j = 0; j < kRowStep; ++j) sums[i + j] += step[j];
  }
}

template <typename Sum>
std::int32_t sum_of_differences(const Sum* begin, const Sum* end, std::int64_t first,
                                std::int64_t last) {
  std::int32_t sum = 0;
  for (std::int64_t i = first; i < last; ++i) sum += difference(begin, end, i);
  return sum;
}

}  // namespace

BlockDraw::BlockDraw(const BlockLayout& layout, std::size_t way, const TokenBlocks& blocks,
                     const DispatchGeometry& geometry, LayerLoad& load)
    : layout_(layout), way_(way), blocks_(blocks), geometry_(geometry), load_(load) {
  const auto groups = static_cast<std::size_t>(layout_.groups);
  const std::size_t ranks = layout_.nodes > 0 ? groups : 0;
  load.windows.clear();
  load.rows.clear();
  load.dropped = 0;
  load.experts_hit.resize(groups);
  load.pairs.assign(groups, 0);
  load.hits.assign(static_cast<std::size_t>(blocks_.words), 0);
  for (auto* copies :
       {&load.scale_up_out, &load.scale_up_in, &load.scale_out_out, &load.scale_out_in}) {
    copies->assign(ranks, 0);
  }
  load.partials.assign(static_cast<std::size_t>(layout_.rows * layout_.width), 0);
}

// A multiple of the window's length, rounded down to a power of two: all tokens of the bank are
// then drawn about equally often, and few blocks make up a window.
std::int64_t BlockDraw::random_place(std::int64_t count, RandomStream& random) const {
  const int length = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(count))) - 1;
  const int shift = std::clamp(length, layout_.fine_shift, layout_.coarse_shift);
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(places(shift))))
         << shift;
}

// The first whole block after the last window.
std::int64_t BlockDraw::next_place(std::int64_t count) const {
  const int shift = count >= layout_.coarse ? layout_.coarse_shift
                    : count >= layout_.fine ? layout_.fine_shift
                                            : 0;
  return ((next_ + (std::int64_t{1} << shift) - 1) >> shift) % places(shift) << shift;
}

void BlockDraw::plan(std::int64_t source, bool prefill, std::int64_t count, RandomStream& random) {
  while (count > 0) {
    LayerLoad::Window window{source, prefill};
    window.begin = layout_.dealt ? next_place(count) : random_place(count, random);
    window.coarse = std::min(count >> layout_.coarse_shift, layout_.window_blocks);
    count -= window.coarse * layout_.coarse;
    if (count < layout_.coarse) {
      window.fine = count >> layout_.fine_shift;
      window.rest = count & (layout_.fine - 1);
      count = 0;
    }
    next_ = window.begin + window_tokens(window, layout_);
    if (!blocks_.decode.sums.empty()) {
      prefetch(window);
      if (load_.windows.size() < kMarkedAhead) prefetch_hits(window);
    }
    load_.windows.push_back(window);
  }
}

template <typename Sum>
void BlockDraw::prefetch_rows(const Sum* begin, const Sum* end) const {
  constexpr auto kLine = static_cast<std::int64_t>(64 / sizeof(Sum));
  for (std::int64_t i = 0; i < layout_.width; i += kLine) {
    __builtin_prefetch(begin + i);
    __builtin_prefetch(end + i);
  }
}

void BlockDraw::prefetch(const LayerLoad::Window& window) const {
  const BlockOrder::Sums& order = sums_of(window);
  const std::int64_t width = layout_.width;
  const std::int64_t fine_begin = window.begin + window.coarse * layout_.coarse;
  const std::int64_t fine_end = fine_begin + window.fine * layout_.fine;
  const bool in_bytes = fine_end - window.begin <= layout_.byte_tokens;
  if (window.coarse > 0 && !in_bytes) {
    const std::int64_t first = window.begin >> layout_.coarse_shift;
    const std::uint16_t* row = order.coarse.sums.data() + first * width;
    prefetch_rows(row, row + window.coarse * width);
  }
  if (window.fine > 0 || in_bytes) {
    const std::uint8_t* sums = order.fine.sums.data();
    const std::int64_t first = (in_bytes ? window.begin : fine_begin) >> layout_.fine_shift;
    const std::int64_t last = fine_end >> layout_.fine_shift;
    prefetch_rows(sums + order.fine.place(first) * width, sums + order.fine.place(last) * width);
  }
  for (std::int64_t i = 0; i < window.rest; ++i) __builtin_prefetch(rest_token(window, i));
}

void BlockDraw::prefetch_hits(const LayerLoad::Window& window) const {
  const BlockOrder& order = order_of(window);
  const auto prefetch = [&](const BlockMarks& marks, std::int64_t token) {
    __builtin_prefetch(marks.words.data() + (token >> marks.shift) * blocks_.words);
  };
  const std::int64_t end = window.begin + window.coarse * layout_.coarse;
  prefetch(order.coarse_hits, window.begin);
  if (window.fine == 0) return;
  prefetch(order.middle_hits, end);
  prefetch(order.fine_hits, end + window.fine * layout_.fine - 1);
}

// First whole blocks, then single tokens: a vector load that follows scalar stores to the same sums
// has to wait for them.
void BlockDraw::add_up() {
  for (const LayerLoad::Window& window : load_.windows) {
    add_window(window);
  }
  add_hits();
  if (layout_.fine == 1) return;
  for (const LayerLoad::Window& window : load_.windows) {
    for (std::int64_t i = 0; i < window.rest; ++i) add_token(window.source, rest_token(window, i));
  }
}

void BlockDraw::add_window(const LayerLoad::Window& window) {
  const BlockOrder::Sums& order = sums_of(window);
  const std::int64_t long_tokens = window.coarse * layout_.coarse;
  const std::int64_t short_tokens = window.fine * layout_.fine;
  const std::int64_t tokens = long_tokens + short_tokens;
  if (tokens == 0) return;
  const std::int64_t first = window.begin >> layout_.fine_shift;
  const std::int64_t last = (window.begin + tokens) >> layout_.fine_shift;
  if (tokens <= layout_.byte_tokens) {
    add_rows(order.fine, window.source, order.fine.place(first), order.fine.place(last), tokens);
    return;
  }
  const std::int64_t block = window.begin >> layout_.coarse_shift;
  add_rows(order.coarse, window.source, block, block + window.coarse, long_tokens);
  if (window.fine > 0) {
    const std::int64_t begin = order.fine.place(last - window.fine);
    add_rows(order.fine, window.source, begin, order.fine.place(last), short_tokens);
  }
}

// The pointers are copied so that the compiler need not reload them after every sum it stores.
template <typename Sum>
void BlockDraw::add_rows(const BlockSums<Sum>& blocks, std::int64_t source, std::int64_t first,
                         std::int64_t last, std::int64_t tokens) {
  const std::int64_t width = layout_.width;
  const Sum* const begin = blocks.sums.data() + first * width;
  const Sum* const end = blocks.sums.data() + last * width;
  std::int32_t* const row = row_of(place_of(source));
  add_differences(begin, end, width, row);
  if (layout_.copies_by_rank) leave_normally(source, begin, end);
  if (low_latency()) leave_directly(source, begin, end, tokens);
}

// Copies that leave a source for other nodes; those that stay on its own node were counted as
// forwarded there.
template <typename Sum>
void BlockDraw::leave_normally(std::int64_t source, const Sum* begin, const Sum* end) {
  const SourcePlace& place = place_of(source);
  const std::int64_t nodes_at = layout_.nodes_at();
  const std::int32_t inside = difference(begin, end, nodes_at + place.node);
  const std::int32_t all = sum_of_differences(begin, end, nodes_at, nodes_at + layout_.nodes);
  load_.scale_out_out[static_cast<std::size_t>(source)] += all - inside;
  load_.scale_out_in[static_cast<std::size_t>(place.receiver)] -= inside;
}

template <typename Sum>
void BlockDraw::leave_directly(std::int64_t source, const Sum* begin, const Sum* end,
                               std::int64_t tokens) {
  const SourcePlace& place = place_of(source);
  const std::int32_t own = difference(begin, end, source);
  const std::int32_t inside = sum_of_differences(begin, end, place.first, place.last);
  const std::int64_t all =
      blocks_.full ? tokens * blocks_.top_k : sum_of_differences(begin, end, 0, layout_.groups);
  load_.scale_up_out[static_cast<std::size_t>(source)] += inside - own;
  load_.scale_up_in[static_cast<std::size_t>(source)] -= own;
  load_.scale_out_out[static_cast<std::size_t>(source)] += all - inside;
}

// Once every expert that any token picks is marked, the other windows change nothing.
void BlockDraw::add_hits() {
  for (std::int64_t at = 0; at < blocks_.words; at += kMarkStep) {
    std::uint64_t seen[kMarkStep] = {};
    const std::uint64_t* const all = blocks_.reachable.data() + at;
    for (const LayerLoad::Window& window : load_.windows) {
      mark_window(window, at, seen);
      if (std::equal(seen, seen + kMarkStep, all)) break;
    }
    std::copy_n(seen, kMarkStep, load_.hits.data() + at);
  }
}

// Long blocks, then short ones up to a middle block, middle ones, short ones.
void BlockDraw::mark_window(const LayerLoad::Window& window, std::int64_t at,
                            std::uint64_t* seen) const {
  const std::int64_t words = blocks_.words;
  const auto mark = [&](const BlockMarks& marks, std::int64_t first, std::int64_t last) {
    const std::uint64_t* block = marks.words.data() + (first >> marks.shift) * words + at;
    const std::uint64_t* const end = marks.words.data() + (last >> marks.shift) * words;
    for (; block < end; block += words) {
      for (std::int64_t w = 0; w < kMarkStep; ++w) seen[w] |= block[w];
    }
  };
  const BlockOrder& order = order_of(window);
  const std::int64_t begin = window.begin + window.coarse * layout_.coarse;
  if (window.coarse > 0) mark(order.coarse_hits, window.begin, begin);
  if (window.fine == 0) return;
  const std::int64_t end = begin + window.fine * layout_.fine;
  const std::int64_t middle = std::int64_t{1} << order.middle_hits.shift;
  const std::int64_t first_middle = (begin + middle - 1) & -middle;
  const std::int64_t last_middle = std::max(first_middle, end & -middle);
  mark(order.fine_hits, begin, std::min(end, first_middle));
  mark(order.middle_hits, first_middle, last_middle);
  mark(order.fine_hits, std::max(begin, last_middle), end);
}

// Picks of the token `i` places after the window's whole blocks.
const std::uint16_t* BlockDraw::rest_token(const LayerLoad::Window& window, std::int64_t i) const {
  const auto& tokens = window.prefill ? layout_.prefill : layout_.decode;
  const std::int64_t at =
      window.begin + window.coarse * layout_.coarse + window.fine * layout_.fine + i;
  const auto token = static_cast<std::size_t>(tokens[static_cast<std::size_t>(at)]);
  return blocks_.picks.data() + layout_.place[token] * blocks_.top_k;
}

void BlockDraw::add_token(std::int64_t source, const std::uint16_t* picks) {
  const std::uint16_t* const group_of_slot = blocks_.group_of_slot.data();
  const std::uint16_t* const node_of_slot = blocks_.node_of_slot.data();
  std::uint64_t* const hits = load_.hits.data();
  const SourcePlace& place = place_of(source);
  std::int32_t* const row = row_of(place);
  std::int32_t own = 0, inside = 0, outside = 0;
  for (const std::uint16_t* pick = picks; pick < picks + blocks_.top_k && *pick != Pick::kNone;
       ++pick) {
    const std::uint16_t slot = *pick & Pick::kSlotMask;
    const std::uint16_t group = group_of_slot[slot];
    hits[slot / 64] |= 1ULL << (slot % 64);
    ++row[group];
    if (layout_.nodes == 0) continue;
    const std::uint16_t node = node_of_slot[slot];
    const bool counts = !layout_.copies_by_rank || (*pick & Pick::kNodeFlag) != 0;
    if (counts) ++(node == place.node ? inside : outside);
    own += group == source ? 1 : 0;
    if (!layout_.copies_by_rank) continue;
    row[layout_.copies_at() + group] += (*pick & Pick::kGroupFlag) != 0 ? 1 : 0;
    row[layout_.nodes_at() + node] += counts ? 1 : 0;
  }
  if (layout_.nodes == 0) return;
  load_.scale_out_out[static_cast<std::size_t>(source)] += outside;
  if (layout_.copies_by_rank) {
    load_.scale_out_in[static_cast<std::size_t>(place.receiver)] -= inside;
    return;
  }
  load_.scale_up_out[static_cast<std::size_t>(source)] += inside - own;
  load_.scale_up_in[static_cast<std::size_t>(source)] -= own;
}

void BlockDraw::finish(std::int64_t slots_per_group) {
  for (std::int64_t r = 0; r < layout_.rows; ++r) {
    const std::int32_t* row = load_.partials.data() + r * layout_.width;
    std::int32_t* const pairs = load_.pairs.data();
    for (std::int64_t g = 0; g < layout_.groups; ++g) pairs[g] += row[g];
  }
  if (layout_.copies_by_rank) forward_inside_nodes();
  if (low_latency()) receive_messages();
  for (std::int64_t g = 0; g < layout_.groups; ++g) {
    load_.experts_hit[static_cast<std::size_t>(g)] =
        count_bits(load_.hits, g * slots_per_group, slots_per_group);
  }
}

// The copies of the sources with one index in their node enter every other node at one rank, which
// forwards them.
void BlockDraw::forward_inside_nodes() {
  for (std::int64_t local = 0; local < geometry_.ranks_per_node; ++local) {
    const std::int32_t* row = load_.partials.data() + local * layout_.width;
    const std::int32_t* copies = row + layout_.copies_at();
    for (std::int64_t node = 0; node < layout_.nodes; ++node) {
      const std::int64_t from = geometry_.receiver(node, local);
      std::int64_t sent = -static_cast<std::int64_t>(copies[from]);
      for (std::int64_t r = node * geometry_.ranks_per_node; r < geometry_.node_end(node); ++r) {
        sent += copies[r];
        load_.scale_up_in[static_cast<std::size_t>(r)] += copies[r];
      }
      load_.scale_up_in[static_cast<std::size_t>(from)] -= copies[from];
      load_.scale_up_out[static_cast<std::size_t>(from)] += sent;
      load_.scale_out_in[static_cast<std::size_t>(from)] += row[layout_.nodes_at() + node];
    }
  }
}

// Pairs that stay on their source were taken off the pairs that it receives.
void BlockDraw::receive_messages() {
  for (std::int64_t node = 0; node < layout_.nodes; ++node) {
    const std::int32_t* pairs = load_.partials.data() + node * layout_.width;
    const std::int64_t first = node * geometry_.ranks_per_node, last = geometry_.node_end(node);
    std::int64_t* const out = load_.scale_out_in.data();
    for (std::int64_t r = 0; r < layout_.groups; ++r) out[r] += pairs[r];
    for (std::int64_t r = first; r < last; ++r) {
      out[r] -= pairs[r];
      load_.scale_up_in[static_cast<std::size_t>(r)] += pairs[r];
    }
  }
}

}  // namespace moesim
