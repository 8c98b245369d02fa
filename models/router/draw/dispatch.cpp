#include "models/router/draw/dispatch.h"

#include <cmath>

namespace moesim {

namespace {

double scale_bytes(Dtype dtype, double width) {
  switch (dtype) {
    case Dtype::kFp8:
      return 4 * width / 128;
    case Dtype::kFp4:
      return width / 16;
    default:
      return 0;
  }
}

}  // namespace

Bytes dispatch_payload(std::int64_t width, std::int64_t top_k, Dtype dtype, DispatchMode mode) {
  const double values = static_cast<double>(width) * element_bytes(dtype);
  if (mode == DispatchMode::kAllGather || mode == DispatchMode::kAllToAll) return Bytes(values);
  const double scaled = values + scale_bytes(dtype, static_cast<double>(width));
  if (mode == DispatchMode::kLowLatency) return Bytes(16 + scaled);
  return Bytes(16 * std::ceil((scaled + 8 + 8 * static_cast<double>(top_k)) / 16));
}

Bytes combine_payload(std::int64_t width, CombineFormat format, DispatchMode mode) {
  const double values = static_cast<double>(width);
  const bool packed = format == CombineFormat::kLogFmt10 && mode == DispatchMode::kLowLatency;
  return Bytes(packed ? 10 * values / 8 + 4 * values / 128 : 2 * values);
}

ReplicaTurns::ReplicaTurns(const LayerPlacement& placement) {
  for (const std::vector<std::int32_t>& slots : placement.slots_of_expert) {
    const auto first = static_cast<std::uint32_t>(slots_.size());
    slots_.insert(slots_.end(), slots.begin(), slots.end());
    turns_.push_back({first, static_cast<std::uint32_t>(slots_.size()), first});
  }
}

std::int32_t nearest_slot(const LayerPlacement& placement, const DispatchGeometry& geometry,
                          std::int64_t source, std::int64_t expert) {
  const auto& slots = placement.slots_of_expert[static_cast<std::size_t>(expert)];
  std::vector<std::int32_t> near;
  for (const std::int32_t slot : slots) {
    const std::int64_t rank = placement.group_of_slot(slot);
    if (rank == source) return slot;
    if (geometry.node_of(rank) == geometry.node_of(source)) near.push_back(slot);
  }
  const auto& candidates = near.empty() ? slots : near;
  const std::int64_t index = near.empty() ? source : source % geometry.ranks_per_node;
  return candidates[static_cast<std::size_t>(index) % candidates.size()];
}

Destinations::Destinations(const DispatchGeometry& geometry)
    : geometry_(geometry),
      by_node_(geometry.mode == DispatchMode::kNormal),
      ranks_(static_cast<std::size_t>(geometry.ranks), 0),
      nodes_(static_cast<std::size_t>(geometry.nodes()), 0),
      rank_seen_(ranks_.size()),
      node_seen_(nodes_.size(), 0) {
  for (std::int64_t rank = 0; rank < geometry.ranks; ++rank) {
    rank_seen_[static_cast<std::size_t>(rank)].node = geometry.node_of(rank);
  }
}

void Destinations::clear() {
  std::fill(ranks_.begin(), ranks_.end(), 0);
  std::fill(nodes_.begin(), nodes_.end(), 0);
  before_ = token_;
}

}  // namespace moesim
