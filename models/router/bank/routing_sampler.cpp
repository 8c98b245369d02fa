#include "models/router/bank/routing_sampler.h"

#include <algorithm>
#include <utility>

#include "models/router/bank/block_draw.h"
#include "models/router/bank/one_by_one.h"
#include "models/router/bank/token_blocks.h"

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
  const TokenBlocks& blocks = blocks_[static_cast<std::size_t>(layer)];
  BlockDraw draw(*layout_, blocks, geometry_, load);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const auto source = static_cast<std::int64_t>(s);
    draw.plan(source, false, sources[s].decode, random);
    draw.plan(source, true, sources[s].prefill, random);
  }
  const LayerPlacement& placement = placement_[static_cast<std::size_t>(layer)];
  if (one_by_one_) {
    add_one_by_one({*layout_, blocks, placement, geometry_, moe_, layer, *source_blocks_}, load);
    return;
  }
  draw.add_up();
  draw.finish(placement.slots_per_group());
}

}  // namespace moesim
