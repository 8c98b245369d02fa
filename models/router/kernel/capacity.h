// How many tokens an expert takes of a batch, which tokens it drops beyond that, and how many rows
// it computes. Source: docs/physics.md, "Router".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/kernel/router_kernel.h"
#include "models/spec/model_spec.h"

namespace moesim {

// True if experts take every token in this phase.
bool is_dropless(const CapacitySpec& capacity, RoutingPhase phase);

// Tokens that an expert may take of a batch:
//   min(tokens, max(ceil(factor tokens top_k / num_experts), least))
// Dropless: all tokens.
std::int64_t expert_capacity(const MoeSpec& moe, std::int64_t tokens, RoutingPhase phase);

// Rows of an expert's matrix products for the tokens it keeps: its capacity where experts are
// padded to it, else `kept` rounded up to whole blocks.
std::int64_t expert_rows(const MoeSpec& moe, std::int64_t kept, std::int64_t tokens,
                         RoutingPhase phase);

// Rows and drops of a batch.
struct BatchLoad {
  std::vector<std::int64_t> kept;  // [expert] tokens after dropping.
  std::vector<std::int64_t> rows;  // [expert] rows computed.
  std::int64_t dropped = 0;        // Pairs of token and expert left out.
};

// Counts the batch's pairs and drops those beyond the capacity: the id becomes kNoExpert, its
// weight 0, the others keep theirs. By weight, an expert keeps its tokens of largest weight (ties:
// the earlier token; without weights: position decides); by position, the first tokens. With random
// second experts (GShard) all first choices come before any second one. Zero experts take all.
// Shapes: routed [tokens, slots].
BatchLoad apply_capacity(const MoeSpec& moe, RoutedTokens routed, std::int64_t tokens,
                         RoutingPhase phase);

// DeepSeek-V2's dropping while training: a device takes `factor` times the mean number of pairs per
// device; those of lowest weight are dropped beyond it, except for the first `protected_tokens`.
// Experts lie on devices in contiguous equal shares. Requires: devices divides num_experts.
struct DeviceBudget {
  std::int64_t devices = 1;
  double factor = 1;
  std::int64_t protected_tokens = 0;
};
BatchLoad apply_device_budget(const MoeSpec& moe, RoutedTokens routed, std::int64_t tokens,
                              const DeviceBudget& budget);

}  // namespace moesim
