// RoutingBank: tokens routed once and drawn from ever after, as the expert ids of every MoE layer
// of every token of a set of sequences. models/router/make/ makes banks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/router/bank/training_point.h"
#include "models/router/kernel/expert_id.h"

namespace moesim {

// Origin of a bank's ids.
enum class RoutingOrigin {
  kGenerated,        // The gate kernel on generated hidden states.
  kRecorded,         // Ids of a real engine.
  kDrawnFromCounts,  // Real counts per expert; tokens drawn independently.
  kBaseline,         // No router at all.
};

struct RoutingBank {
  std::int64_t num_layers = 0;   // MoE layers.
  std::int64_t num_experts = 0;  // Routed experts; ids >= num_experts are zero experts.
  std::int64_t top_k = 0;
  std::int64_t sequences = 0;
  std::int64_t sequence_tokens = 0;
  // [layer][sequence][token][k]; kNoExpert where a token has fewer than top_k experts.
  std::vector<std::uint16_t> ids;
  RoutingOrigin origin = RoutingOrigin::kGenerated;
  std::string provenance;               // One line for the report: how these ids were made.
  std::vector<TrainingPoint> training;  // Of a trained gate: load over training steps.

  std::int64_t num_tokens() const { return sequences * sequence_tokens; }
  // The top_k ids of a token (sequence * sequence_tokens + position) in a layer.
  std::span<const std::uint16_t> token(std::int64_t layer, std::int64_t index) const {
    return {ids.data() + (layer * num_tokens() + index) * top_k, static_cast<std::size_t>(top_k)};
  }
  // All ids of a layer.
  std::span<std::uint16_t> layer_ids(std::int64_t layer) {
    const auto size = static_cast<std::size_t>(num_tokens() * top_k);
    return std::span(ids).subspan(static_cast<std::size_t>(layer) * size, size);
  }
};

}  // namespace moesim
