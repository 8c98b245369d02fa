// Timelines as Chrome trace events, which the Perfetto UI and chrome://tracing open: a process per
// node of a case, a thread per rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/results/timeline.h"

namespace moesim {

// No trace.json grows beyond this, whatever it shows.
inline constexpr std::size_t kMostTraceBytes = 48'000'000;
// What one event of a rank takes at most.
inline constexpr std::size_t kEventBytes = 128;

// One case of a trace.
struct TraceCase {
  std::string events;  // JSON objects, comma-separated.
  std::string shown;   // A JSON object: which pools, steps and ranks they are of.
};

// `index` among the cases of the file gives process ids of its own; events beyond `most_bytes` are
// left out, and `shown` says so.
// Source: "Trace Event Format", Google,
// docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0.
TraceCase trace_case(const std::string& name, const CaseTimeline& timeline,
                     const TimelineRequest& request, const Deployment& deployment,
                     std::int64_t index, std::size_t most_bytes);

// The whole file. `context` = what is true of all cases.
std::string trace_json(const std::vector<TraceCase>& cases, nlohmann::ordered_json context);

}  // namespace moesim
