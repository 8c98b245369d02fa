// Request traces from files, in the formats that their publishers use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/deployment/workload.h"

namespace moesim {

// Reads a trace, arrivals counted from its first request:
//   *.csv    header TIMESTAMP,ContextTokens,GeneratedTokens (Azure), "2023-11-16 18:17:03.9799600"
//   *.jsonl  one {"timestamp": ms, "input_length": n, "output_length": n} per line (Mooncake)
// `limit` keeps the first requests only; 0 = all.
// Throws: InputError with file:line for every bad row (the first twenty), rows out of order, an
// empty trace, an unknown format.
std::vector<Request> read_trace(const std::string& file, std::int64_t limit);

}  // namespace moesim
