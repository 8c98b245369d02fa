// Routing banks kept on disk between runs: routing a large model takes seconds, reading ids does
// not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/router/make/bank_key.h"
#include "models/router/make/token_source.h"

namespace moesim {

// Raise it whenever a change of kernel, generator or gates changes banks.
inline constexpr int kBankFormat = 4;

// make_routing_bank through the cache folder, $XDG_CACHE_HOME/moesim or ~/.cache/moesim. Files
// on disk never change the result: unreadable, truncated or foreign files are ignored and written
// anew, and without a writable folder the bank is just made. The banks unused for longest are
// removed where the folder would grow too large (cache_eviction.h). Baselines and recorded routing
// are made faster than they are read, and not kept.
// Throws: InputError as make_routing_bank.
RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed);

// The same with a folder of the caller's choice, for any source; empty = no cache.
RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed, const std::string& folder);

// $XDG_CACHE_HOME/moesim or ~/.cache/moesim; empty without either.
std::string bank_cache_folder();

// Writes under a temporary name and renames, so that readers and other writers never see half a
// file. Returns whether it worked.
bool write_bank(const RoutingBank& bank, const std::string& path);

// The bank in a file, or nothing if there is none with the right format, length and checksum.
std::optional<RoutingBank> read_bank(const std::string& path);

}  // namespace moesim
