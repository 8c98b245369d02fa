// `workload:` of a scenario: how requests arrive, how long the simulation lasts and the service
// level.
#pragma once

#include <optional>
#include <string>

#include "base/keys.h"
#include "sim/deployment/workload.h"

namespace moesim {

inline constexpr std::int64_t kMaxRequests = 10'000'000;
inline constexpr form::Whole kUsers{1, 1'000'000};
inline constexpr form::Quantity kArrivalRate{
    .dimension = Dimension::kRate, .max = 1e9, .most = "1e9/s"};

// The forms of `requests`.
struct TracePart {
  std::string file;
  std::int64_t limit = 0;  // 0 = all.
};
struct ClosedLoop {
  std::int64_t concurrency = 0;
  std::optional<std::int64_t> requests;  // Of all users.
};
struct StaticBatch {
  std::int64_t batch = 0;
};

KeyFacts workload_key();
const Keys<Workload>& workload_keys();
const KeyMap<ServiceLevel>& slo_keys();
form::Map requests_map();  // Exactly one of its keys.
const KeyMap<TracePart>& trace_keys();
const KeyMap<ClosedLoop>& closed_loop_keys();
const KeyMap<StaticBatch>& static_keys();

}  // namespace moesim
