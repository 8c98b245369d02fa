#include "models/router/bank/one_by_one.h"

#include <cmath>
#include <limits>

namespace moesim {

namespace {

class Adder {
 public:
  Adder(const OneByOne& draw, LayerLoad& load)
      : draw_(draw),
        load_(load),
        destinations_(draw.geometry),
        slot_pairs_(draw.placement.expert_of_slot.size(), 0),
        taken_(draw.placement.slots_of_expert.size(), 0) {
    const auto groups = static_cast<std::size_t>(draw.placement.groups);
    const std::size_t ranks = draw.geometry.tokens_travel ? groups : 0;
    load.pairs.assign(groups, 0);
    load.experts_hit.assign(groups, 0);
    for (auto* copies :
         {&load.scale_up_out, &load.scale_up_in, &load.scale_out_out, &load.scale_out_in}) {
      copies->assign(ranks, 0);
    }
    load.rows.clear();
    load.dropped = 0;
    std::int64_t tokens = 0;
    for (const auto& window : load.windows) tokens += window_tokens(window, draw.layout);
    if (draw.capacity.factor > 0) {
      most_ = expert_capacity(draw.capacity, tokens, draw.blocks.top_k,
                              static_cast<std::int64_t>(taken_.size()));
    }
  }

  void add_up() {
    for (std::size_t w = 0; w < load_.windows.size(); ++w) {
      const LayerLoad::Window& window = load_.windows[w];
      add_window(window);
      const bool is_last =
          w + 1 == load_.windows.size() || load_.windows[w + 1].source != window.source;
      if (is_last && draw_.geometry.tokens_travel) send(window.source);
    }
    for (std::size_t slot = 0; slot < slot_pairs_.size(); ++slot) {
      if (slot_pairs_[slot] > 0) ++load_.experts_hit[draw_.blocks.group_of_slot[slot]];
    }
    if (draw_.capacity.factor > 0 && draw_.capacity.pad) {
      pad_to_capacity();
    } else if (draw_.capacity.block > 1) {
      pad_to_blocks();
    }
  }

 private:
  void add_window(const LayerLoad::Window& window) {
    const BlockLayout& layout = draw_.layout;
    const auto& order = window.prefill ? layout.prefill : layout.decode;
    const std::int64_t count = window_tokens(window, layout);
    for (std::int64_t i = window.begin; i < window.begin + count; ++i) {
      const auto token = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
      add_token(window.source, draw_.blocks.picks.data() + layout.place[token] * draw_.blocks.top_k);
    }
  }

  void add_token(std::int64_t source, const std::uint16_t* picks) {
    const TokenBlocks& blocks = draw_.blocks;
    const std::uint16_t* const nearest =
        blocks.nearest.empty()
            ? nullptr
            : blocks.nearest.data() + source * static_cast<std::int64_t>(slot_pairs_.size());
    destinations_.add_token();
    for (std::int64_t j = 0; j < blocks.top_k && picks[j] != Pick::kNone; ++j) {
      std::uint16_t slot = picks[j] & Pick::kSlotMask;
      if (nearest != nullptr) slot = nearest[slot];
      if (++taken_[static_cast<std::size_t>(draw_.placement.expert_of_slot[slot])] > most_) {
        ++load_.dropped;
        continue;
      }
      const std::uint16_t group = blocks.group_of_slot[slot];
      ++slot_pairs_[slot];
      ++load_.pairs[group];
      if (draw_.geometry.tokens_travel) destinations_.add_pair(group);
    }
  }

  void send(std::int64_t source) {
    const DispatchGeometry& geometry = draw_.geometry;
    destinations_.for_each_copy(
        source, [&](std::int64_t from, std::int64_t to, std::int64_t copies) {
          const bool inside = geometry.node_of(from) == geometry.node_of(to);
          (inside ? load_.scale_up_out : load_.scale_out_out)[static_cast<std::size_t>(from)] +=
              copies;
          (inside ? load_.scale_up_in : load_.scale_out_in)[static_cast<std::size_t>(to)] += copies;
        });
    destinations_.clear();
  }

  void pad_to_capacity() {
    load_.rows.assign(load_.pairs.size(), 0);
    if (load_.windows.empty()) return;
    for (std::size_t slot = 0; slot < slot_pairs_.size(); ++slot) {
      const auto expert = static_cast<std::size_t>(draw_.placement.expert_of_slot[slot]);
      const auto copies =
          static_cast<std::int64_t>(draw_.placement.slots_of_expert[expert].size());
      load_.rows[draw_.blocks.group_of_slot[slot]] +=
          static_cast<std::int32_t>((most_ + copies - 1) / copies);
    }
    load_.experts_hit.assign(load_.pairs.size(),
                             static_cast<std::int32_t>(draw_.placement.slots_per_group()));
  }

  void pad_to_blocks() {
    const std::int64_t block = draw_.capacity.block;
    load_.rows.assign(load_.pairs.size(), 0);
    for (std::size_t slot = 0; slot < slot_pairs_.size(); ++slot) {
      load_.rows[draw_.blocks.group_of_slot[slot]] +=
          static_cast<std::int32_t>((slot_pairs_[slot] + block - 1) / block * block);
    }
  }

  const OneByOne& draw_;
  LayerLoad& load_;
  Destinations destinations_;
  std::vector<std::int64_t> slot_pairs_;
  std::vector<std::int64_t> taken_;  // [expert]
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace

std::int64_t expert_capacity(const CapacitySpec& capacity, std::int64_t tokens, std::int64_t top_k,
                             std::int64_t experts) {
  const double mean = static_cast<double>(tokens * top_k) / static_cast<double>(experts);
  return std::max(capacity.least, static_cast<std::int64_t>(std::ceil(capacity.factor * mean)));
}

void add_one_by_one(const OneByOne& draw, LayerLoad& load) {
  Adder(draw, load).add_up();
}

}  // namespace moesim
