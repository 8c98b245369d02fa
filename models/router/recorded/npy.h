// Expert ids as NumPy files, to hand routing to other tools and to take recorded routing from
// engines.
#pragma once

#include <string>

#include "models/router/bank/routing_bank.h"

namespace moesim {

// Writes the ids as int32 in C order, [tokens, layers, top_k].
// Throws: InputError if the file cannot be written.
void write_npy(const RoutingBank& bank, const std::string& path);

// A bank from recorded ids: integers of 1, 2, 4 or 8 bytes, little-endian, C order, [tokens,
// layers, top_k] with the model's MoE layers and top_k, every id one of the model's experts. Tokens
// that are a whole number of `sequence_tokens` are taken as that many consecutive tokens per
// sequence, otherwise as one sequence. Throws: InputError naming the file, what was found and what
// is allowed.
RoutingBank read_npy(const std::string& path, const ModelSpec& model,
                     std::int64_t sequence_tokens = 32);

}  // namespace moesim
