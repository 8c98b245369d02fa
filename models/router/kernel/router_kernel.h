// THE router: hidden states through the gate matrix, scores, group mask, selection and weights, for
// every scheme a RouterSpec can say. The routing bank, the training, tests and tools all call this
// one. Source: docs/physics.md, "Router".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/kernel/blas.h"
#include "models/router/kernel/expert_id.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Purpose of routing: noise and balancing are for training; a decode step may not look at
// later tokens.
enum class RoutingPhase { kDecode, kPrefill, kTraining };

// A gate in somebody else's memory. `outputs` = num_experts + num_zero_experts.
struct GateView {
  MatrixView weight;                  // [outputs, hidden]
  std::span<const float> bias;        // [outputs] of the logits, or empty.
  std::span<const float> correction;  // [outputs] for selection only, or empty.
  MatrixView noise = {};              // [outputs, hidden] of noisy top-k while training, or empty.
};

// Where routing writes; `weights` may be empty if only the ids are wanted.
struct RoutedTokens {
  std::span<std::uint16_t> ids;  // [tokens, top_k], best first.
  std::span<float> weights;      // [tokens, top_k]
};

struct RouteOptions {
  RoutingPhase phase = RoutingPhase::kDecode;
  std::uint64_t seed = 0;        // Of all that is random: jitter, noise, second experts, hashes.
  std::int64_t first_token = 0;  // Of a longer batch: its parts then draw as the whole would.
  std::int64_t num_threads = 1;  // Results are the same for any number.
  std::span<const std::uint32_t> token_types = {};  // [tokens] for hash layers.
  std::span<const std::uint16_t> hash_table = {};   // [types, top_k], or drawn from the seed.
};

// Experts that a gate scores: routed and zero experts.
std::int64_t gate_outputs(const MoeSpec& moe);

// The scheme with the score, order and renormalisation that its selection rule implies: softmax
// over the kept for noisy top-k, p_1 and p_2 over their sum for random second experts, sigmoid for
// a balanced assignment, and for Sinkhorn softmax, or sigmoid if top-1.
MoeSpec with_implied_weights(MoeSpec moe);

// Throws: std::invalid_argument with what is allowed if the scheme contradicts itself (top_k above
// the experts, groups that do not divide them, ids beyond 16 bits, a rule that needs another top_k)
// or cannot be used in this phase (expert choice is not causal).
void check_router(const MoeSpec& moe, RoutingPhase phase);

// Chooses experts and weights from logits:
//   key_i = score_i + correction_i, or the logit itself where that gives the same order;
//   groups: keep the top_groups groups of largest group score, mask the others;
//   S = top_k largest keys (ties to the lowest index), or as the selection rule says;
//   weight_i = score_i, over all experts or over S only, / (sum_S + 1e-20) if renormalised, *
//   scaling.
// NaN counts as the lowest logit, and magnitudes end at 1e30. Rules that balance a batch while
// training take these tokens as the batch; noisy top-k takes the logits as noisy already.
// Shapes: logits [tokens, outputs]; tokens = out.ids.size() / top_k.
// Throws: as check_router; std::invalid_argument for expert choice (see route_batch) and for token
// types that are missing or beyond the hash table.
void route_logits(const MoeSpec& moe, std::span<const float> logits,
                  std::span<const float> correction, RoutedTokens out,
                  const RouteOptions& options = {});

// route_logits from hidden states: logits = gate_logits(...).
// Shapes: hidden [tokens, hidden].
void route_hidden(const MoeSpec& moe, const GateView& gate, MatrixView hidden, RoutedTokens out,
                  const RouteOptions& options = {});

// Logits [tokens, outputs] = hidden weight^T + bias in fp32; while training, hidden times
// U(1 - jitter, 1 + jitter) entry by entry, and for noisy top-k + N(0, 1) softplus(hidden noise^T).
// Throws: std::invalid_argument if noisy top-k trains without a noise matrix.
std::vector<float> gate_logits(const MoeSpec& moe, const GateView& gate, MatrixView hidden,
                               const RouteOptions& options = {});

// A whole batch through the whole pipeline, capacity included.
struct RoutedBatch {
  std::int64_t slots = 0;          // top_k; expert choice: the most experts that chose one token.
  std::vector<std::uint16_t> ids;  // [tokens, slots]; kNoExpert where a token has fewer.
  std::vector<float> weights;      // [tokens, slots]; 0 where there is no expert.
  std::vector<std::int64_t> rows;  // [expert] rows computed, padding included.
  std::int64_t dropped = 0;        // Pairs that exceeded an expert's capacity.
};
RoutedBatch route_batch(const MoeSpec& moe, std::span<const float> logits,
                        std::span<const float> correction, const RouteOptions& options = {});

// Scores of every expert, before any bias. Shapes: logits and scores [tokens, outputs], which may
// be the same memory.
void score_logits(const MoeSpec& moe, std::span<const float> logits, std::span<float> scores);

// The top-k selection alone: ids from rows of the values that keys are made of (scores, or
// logits where those give the same order). Shapes: ranked [tokens, outputs], ids [tokens, top_k].
void route_ranked(const MoeSpec& moe, std::span<const float> ranked,
                  std::span<const float> correction, std::span<std::uint16_t> ids);

}  // namespace moesim
