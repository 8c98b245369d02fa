// The name of a cached bank: a hash of everything that its ids depend on.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/router/make/token_source.h"

namespace moesim {

struct BankName {
  std::string file;
  std::string family;  // The same for banks that differ in experts and top_k alone.
};

// Both are hashes of format, model, every field of its router, every field of the source, the
// content of the files that the source names, the calibration data, and the seed.
// Throws: InputError if a file that the source names cannot be read.
BankName bank_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed);
std::string bank_file_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed);

}  // namespace moesim
