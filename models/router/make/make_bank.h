// Makes routing banks from any source of tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/make/token_source.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Routes sequences * sequence_tokens tokens through every MoE layer of the model.
// Requires: model.is_moe(); sequences and sequence_tokens >= 1.
// Same model, source and seed: same ids, for any number of threads (0 = one per core).
// Throws: InputError for files of the source; std::invalid_argument for a scheme that cannot decode
// (expert choice) or a recipe that cannot train this scheme.
RoutingBank make_routing_bank(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                              std::int64_t num_threads = 0);

// Whether banks of this source that differ in experts and top_k alone can be made together.
bool can_share_work(const TokenSource& source);

// The banks that make_routing_bank makes of each model, where hidden states and their products with
// gate rows are made once for all. Requires: can_share_work; models of the same BankName::family.
std::vector<RoutingBank> make_routing_banks(std::span<const ModelSpec* const> models,
                                            const TokenSource& source, std::uint64_t seed,
                                            std::int64_t num_threads = 0);

}  // namespace moesim
