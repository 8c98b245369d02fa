// One draw of a RoutingSampler from running sums: chooses where every source's tokens come from,
// adds them up, and turns the sums into the copies that cross each port.
#pragma once

#include <cstdint>

#include "models/router/draw/token_blocks.h"

namespace moesim {

class BlockDraw {
 public:
  // Keeps references to all. `way`: the layout's index among those of the blocks. Empties `load`.
  BlockDraw(const BlockLayout& layout, std::size_t way, const TokenBlocks& blocks,
            const DispatchGeometry& geometry, LayerLoad& load);

  // Chooses where a source's tokens come from, and prefetches their sums. Requires: sources in
  // order.
  void plan(std::int64_t source, bool prefill, std::int64_t count, RandomStream& random);
  // Adds all planned tokens. Requires: sums were made.
  void add_up();
  // Fills the fields of the load that add_up() leaves open.
  void finish(std::int64_t slots_per_group);

 private:
  const SourcePlace& place_of(std::int64_t source) const {
    return layout_.sources[static_cast<std::size_t>(source)];
  }
  std::int32_t* row_of(const SourcePlace& place) {
    return load_.partials.data() + place.row * layout_.width;
  }
  bool low_latency() const { return layout_.nodes > 0 && !layout_.copies_by_rank; }
  const BlockOrder& order_of(const LayerLoad::Window& window) const {
    return window.prefill ? blocks_.prefill : blocks_.decode;
  }
  const BlockOrder::Sums& sums_of(const LayerLoad::Window& window) const {
    return order_of(window).sums[way_];
  }
  std::int64_t places(int shift) const {
    return layout_.coarse_blocks << (layout_.coarse_shift - shift);
  }
  std::int64_t random_place(std::int64_t count, RandomStream& random) const;
  std::int64_t next_place(std::int64_t count) const;
  const std::uint16_t* rest_token(const LayerLoad::Window& window, std::int64_t i) const;
  template <typename Sum>
  void prefetch_rows(const Sum* begin, const Sum* end) const;
  void prefetch(const LayerLoad::Window& window) const;
  void prefetch_hits(const LayerLoad::Window& window) const;

  void add_window(const LayerLoad::Window& window);
  template <typename Sum>
  void add_rows(const BlockSums<Sum>& blocks, std::int64_t source, std::int64_t first,
                std::int64_t last, std::int64_t tokens);
  template <typename Sum>
  void leave_normally(std::int64_t source, const Sum* begin, const Sum* end);
  template <typename Sum>
  void leave_directly(std::int64_t source, const Sum* begin, const Sum* end, std::int64_t tokens);
  void add_hits();
  void mark_window(const LayerLoad::Window& window, std::int64_t at, std::uint64_t* seen) const;
  void add_token(std::int64_t source, const std::uint16_t* picks);

  void forward_inside_nodes();
  void receive_messages();

  const BlockLayout& layout_;
  std::size_t way_;
  const TokenBlocks& blocks_;
  const DispatchGeometry& geometry_;
  LayerLoad& load_;
  std::int64_t next_ = 0;  // Place after the last window.
};

}  // namespace moesim
