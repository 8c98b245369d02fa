#include "models/router/draw/routing_sampler.h"

#include <algorithm>
#include <utility>

#include "models/router/draw/block_draw.h"
#include "models/router/draw/per_token_draw.h"
#include "models/router/draw/token_blocks.h"

namespace moesim {

namespace {

bool has_replicas(const std::vector<LayerPlacement>& placements) {
  return std::any_of(placements.begin(), placements.end(), [](const LayerPlacement& placement) {
    return placement.expert_of_slot.size() > placement.slots_of_expert.size();
  });
}

}  // namespace

std::int64_t window_tokens(const LayerLoad::Window& window, const BlockLayout& layout) {
  return window.coarse * layout.coarse + window.fine * layout.fine + window.rest;
}

RoutingSampler::RoutingSampler(const RoutingBank& bank, std::vector<LayerPlacement> placement,
                               const DispatchGeometry& geometry,
                               std::span<const DispatchMode> modes, const CapacitySpec& capacity)
    : bank_(bank),
      placement_(std::move(placement)),
      per_token_((geometry.tokens_travel && geometry.replicas == ReplicaChoice::kStatic &&
                  has_replicas(placement_)) ||
                 limits_rows(capacity)) {
  moe_.num_experts = bank.num_experts;
  moe_.top_k = bank.top_k;
  moe_.router.capacity = capacity;
  for (const DispatchMode mode : modes) {
    geometries_.push_back(geometry);
    geometries_.back().mode = mode;
    layouts_.emplace_back(bank, placement_.front(), geometries_.back());
    const std::int64_t sources = geometry.tokens_travel ? geometry.ranks : 1;
    if (per_token_) source_blocks_.emplace_back(bank.num_layers, sources);
  }
  blocks_.reserve(placement_.size());
  for (std::int64_t layer = 0; layer < bank_.num_layers; ++layer) {
    blocks_.push_back(make_blocks(layer));
  }
}

RoutingSampler::RoutingSampler(const RoutingBank& bank, std::vector<LayerPlacement> placement,
                               const DispatchGeometry& geometry, const CapacitySpec& capacity)
    : RoutingSampler(bank, std::move(placement), geometry, {&geometry.mode, 1}, capacity) {}

RoutingSampler::~RoutingSampler() = default;
RoutingSampler::RoutingSampler(RoutingSampler&&) noexcept = default;

const BlockLayout& RoutingSampler::layout(std::size_t way) const {
  return layouts_[way];
}

TokenBlocks RoutingSampler::make_blocks(std::int64_t layer) const {
  TokenBlocks blocks(bank_, layer, placement_[static_cast<std::size_t>(layer)], geometries_.front(),
                     layouts_);
  if (!per_token_) blocks.sum_up(layouts_);
  return blocks;
}

void RoutingSampler::place(std::int64_t layer, LayerPlacement placement) {
  placement_[static_cast<std::size_t>(layer)] = std::move(placement);
  blocks_[static_cast<std::size_t>(layer)] = make_blocks(layer);
  for (SourceBlocks& sums : source_blocks_) sums.clear(layer);
}

void RoutingSampler::draw(std::int64_t layer, std::span<const SourceTokens> sources,
                          RandomStream& random, LayerLoad& load, std::size_t way) const {
  const TokenBlocks& blocks = blocks_[static_cast<std::size_t>(layer)];
  const DispatchGeometry& geometry = geometries_[way];
  BlockDraw draw(layouts_[way], way, blocks, geometry, load);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const auto source = static_cast<std::int64_t>(s);
    draw.plan(source, false, sources[s].decode, random);
    draw.plan(source, true, sources[s].prefill, random);
  }
  const LayerPlacement& placement = placement_[static_cast<std::size_t>(layer)];
  if (per_token_) {
    add_per_token({layouts_[way], blocks, placement, geometry, moe_, layer, source_blocks_[way]},
                  load);
    return;
  }
  draw.add_up();
  draw.finish(placement.slots_per_group());
}

}  // namespace moesim
