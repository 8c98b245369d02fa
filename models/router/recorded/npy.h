// Expert ids as NumPy files, to hand routing to other tools and to take recorded routing from
// engines. Format: numpy.lib.format, versions 1 to 3.
#pragma once

#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Writes the ids as int32 in C order, [tokens, layers, top_k]; kNoExpert becomes -1.
// Throws: InputError if the file cannot be written.
void write_npy(const RoutingBank& bank, const std::string& path);

// A bank from recorded ids: integers of 1, 2, 4 or 8 bytes, little-endian, in C or Fortran order,
// [tokens, layers, top_k]. The layers are those with experts, or all layers of the model where the
// dense ones hold 0 or -1 throughout. Every id is one of the model's experts, or -1 for none.
// Consecutive tokens make sequences of `sequence_tokens`; tokens after the last whole one are left
// out, and fewer than one sequence are one sequence of their own.
// Throws: InputError with the file's faults.
RoutingBank read_npy(const std::string& path, const ModelSpec& model,
                     std::int64_t sequence_tokens = 32);

}  // namespace moesim
