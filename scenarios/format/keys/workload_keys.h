// `workload:` of a scenario: how requests arrive, how long the simulation lasts and the service
// level.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/keys.h"
#include "sim/deployment/workload.h"

namespace moesim {

inline constexpr form::Whole kUsers{1, 1'000'000};
inline constexpr form::Quantity kArrivalRate{
    .dimension = Dimension::kRate, .max = 1e9, .most = "1e9/s"};

enum class TimeUnit { kSeconds, kMilliseconds, kMicroseconds, kNanoseconds };

template <>
inline constexpr auto kWords<TimeUnit> = enum_words<TimeUnit>({
    {TimeUnit::kSeconds, "s"},
    {TimeUnit::kMilliseconds, "ms"},
    {TimeUnit::kMicroseconds, "us"},
    {TimeUnit::kNanoseconds, "ns"},
});

// The part of a run that its figures describe.
enum class Measure {
  kSteady,  // From the end of the warm-up; not the end, when no more requests come.
  kAll,     // From the first request to the last.
};

template <>
inline constexpr auto kWords<Measure> = enum_words<Measure>({
    {Measure::kSteady, "steady"},
    {Measure::kAll, "all"},
});

// How the users of a closed loop begin.
enum class Start {
  kStaggered,  // Each in the middle of a request, all at different points.
  kTogether,   // All with a new request.
};

template <>
inline constexpr auto kWords<Start> = enum_words<Start>({
    {Start::kStaggered, "staggered"},
    {Start::kTogether, "together"},
});

// Values of `warm_up` beside a time and a number of requests.
inline constexpr const char* kWarmUpAuto = "auto";
inline constexpr const char* kWarmUpNone = "none";
inline constexpr form::Quantity kThinkTime{.max = 86400.0, .most = "1 day"};
inline constexpr form::Quantity kWarmUpTime{.max = 3650 * 86400.0, .most = "3650 days"};
inline const form::Count kWarmUpRequests{"requests", {1, kMostRequests}};

// Names of the columns of a trace in no published format; empty = it has none.
struct TraceColumns {
  std::string timestamp;
  std::string input_tokens;
  std::string output_tokens;
  std::string status;
};

// The forms of `requests`.
struct TracePart {
  std::string file{};
  std::int64_t limit = 0;  // 0 = all.
  std::optional<TraceColumns> columns{};
  std::optional<TimeUnit> time_unit{};           // Of the timestamps in `columns`; nothing = dates.
  std::optional<double> rate{};                  // Arrivals per second; for traces without times.
  double scale = 1;                              // Of the arrival rate of the trace.
  std::optional<double> characters_per_token{};  // Of texts without token counts.
};
struct ClosedLoop {
  std::int64_t concurrency = 0;
  std::optional<std::int64_t> requests;  // Of all users.
};
struct Users {
  std::int64_t count = 0;
  std::optional<std::int64_t> requests;  // Of all users.
};
struct LognormalTime {
  Seconds mean;
  Seconds p99;
};
// Arrivals whose gaps follow a gamma distribution.
struct Bursts {
  double rate = 0;
  double cv = 0;  // Of the gaps: standard deviation over mean.
};
struct StaticBatch {
  std::int64_t batch = 0;
};

KeyFacts workload_key();
const Keys<Workload>& workload_keys();
const KeyMap<ServiceLevel>& slo_keys();
form::Map requests_map();  // Exactly one of its keys.
const KeyMap<TracePart>& trace_keys();
const KeyMap<TraceColumns>& trace_column_keys();
const KeyMap<ClosedLoop>& closed_loop_keys();
const KeyMap<Users>& users_keys();
const KeyMap<LognormalTime>& think_lognormal_keys();
const KeyMap<Bursts>& gamma_keys();
const KeyMap<StaticBatch>& static_keys();

}  // namespace moesim
