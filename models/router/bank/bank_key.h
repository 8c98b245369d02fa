// The name of a cached bank: a hash of everything that its ids depend on.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"

namespace moesim {

// File name of a bank: format, model, every field of its router, every field of the source, the
// content of the files that the source names, the calibration data, and the seed.
// Throws: InputError if a file that the source names cannot be read.
std::string bank_file_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed);

// A hash of all that except the number of experts and top_k.
// Throws: as bank_file_name.
std::string bank_family(const ModelSpec& model, const TokenSource& source, std::uint64_t seed);

}  // namespace moesim
