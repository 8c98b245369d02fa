// THE router: hidden states through the gate matrix, scores, group mask, top-k and weights, for
// every scheme a RouterSpec can say. The routing bank, tests and tools all call this one. Source:
// ../shared/research/router.md, section 1 (variants R1 to R11).
#pragma once

#include <cstdint>
#include <span>

#include "models/model_spec.h"
#include "models/router/kernel/blas.h"

namespace moesim {

// A gate in somebody else's memory. `outputs` = num_experts + num_zero_experts.
struct GateView {
  MatrixView weight;                  // [outputs, hidden]
  std::span<const float> bias;        // [outputs] of the logits, or empty.
  std::span<const float> correction;  // [outputs] for selection only, or empty.
};

// Where routing writes; `weights` may be empty if only the ids are wanted.
struct RoutedTokens {
  std::span<std::uint16_t> ids;  // [tokens, top_k], best first.
  std::span<float> weights;      // [tokens, top_k]
};

// Experts that a gate scores: routed and zero experts.
std::int64_t gate_outputs(const MoeSpec& moe);

// Chooses experts and weights from logits:
//   key_i = score_i + correction_i, or the logit itself where that orders alike;
//   groups: keep the top_groups groups by the sum of their two largest keys, or by the largest;
//   S = top_k largest keys (ties to the lowest index);
//   weight_i = score_i, over all experts or over S only, / (sum_S + 1e-20) if renormalised, *
//   scaling.
// Shapes: logits [tokens, outputs]; tokens = out.ids.size() / top_k.
// Requires: top_k <= outputs; num_groups divides outputs.
void route_logits(const MoeSpec& moe, std::span<const float> logits,
                  std::span<const float> correction, RoutedTokens out);

// Scores of every expert, before any bias. Shapes: logits and scores [tokens, outputs].
void score_logits(const MoeSpec& moe, std::span<const float> logits, std::span<float> scores);

// The selection alone: ids from rows of whatever the keys are made of (scores, or logits where
// those order alike). Shapes: ranked [tokens, outputs], ids [tokens, top_k].
void route_ranked(const MoeSpec& moe, std::span<const float> ranked,
                  std::span<const float> correction, std::span<std::uint16_t> ids);

// route_logits from hidden states: logits = hidden weight^T + bias in fp32.
// Shapes: hidden [tokens, hidden].
void route_hidden(const MoeSpec& moe, const GateView& gate, MatrixView hidden, RoutedTokens out);

}  // namespace moesim
