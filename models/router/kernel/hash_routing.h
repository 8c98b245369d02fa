// Hash layers: experts by token type from a fixed table; the hidden state does not matter.
// Source: Roller et al., "Hash layers for large sparse models", 2021; DeepSeek-V4's tid2eid.
#pragma once

#include <cstdint>
#include <span>

#include "models/router/kernel/router_kernel.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Throws: std::invalid_argument if the number of token types is not that of the tokens, a type lies
// beyond the table, or an id of the table is no expert.
void check_hash(const MoeSpec& moe, const RouteOptions& options, std::int64_t tokens);

// Experts of every token by options.token_types: rows of options.hash_table, or top_k distinct
// routed experts drawn from options.seed, the same for a type wherever it stands.
// Requires: options that pass check_hash().
void hash_experts(const MoeSpec& moe, const RouteOptions& options, std::span<std::uint16_t> ids);

}  // namespace moesim
