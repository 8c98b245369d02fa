// Routing banks kept on disk between runs: routing a large model takes seconds, reading ids does
// not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/router/bank/routing_bank.h"

namespace moesim {

// make_routing_bank through the cache folder, $XDG_CACHE_HOME/moesim or ~/.cache/moesim. What is on
// disk never changes the result: unreadable, truncated or foreign files are ignored and written
// anew, and without a writable folder the bank is just made.
RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed);

// The same with a folder of the caller's choice; empty = no cache.
RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed, const std::string& folder);

// File name of a bank: a hash of everything that its ids depend on.
std::string bank_file_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed);

// Writes under a temporary name and renames, so that readers and other writers never see half a
// file. Returns whether it worked.
bool write_bank(const RoutingBank& bank, const std::string& path);

// The bank in a file, or nothing if there is none with the right format, length and checksum.
std::optional<RoutingBank> read_bank(const std::string& path);

}  // namespace moesim
