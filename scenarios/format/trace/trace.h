// Request traces from files, in the formats of their publishers or by the names of their columns.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec/variation.h"
#include "scenarios/format/keys/workload_keys.h"
#include "sim/deployment/workload.h"

namespace moesim {

struct Trace {
  std::vector<Request> requests;   // Arrivals count from the first; 0 in a trace without times.
  std::vector<std::string> notes;  // Rows and columns that were not used, estimates; no points.
  bool has_times = true;
  bool has_tokens = true;  // Stated, not estimated from texts.
};

// Reads `path`: a .csv file with a header, a .jsonl file of one object per line or a .json list of
// objects. The first row tells the format (scenarios/format/trace/published_formats.h), or
// `part.columns` names what to read; `part.file` and `part.rate` are the caller's.
// Throws: InputError with file:line for every bad row (the first twenty), rows out of order, a
// trace without requests, an unknown format.
Trace read_trace(const std::string& path, const TracePart& part, const Variation& variation = {});

}  // namespace moesim
