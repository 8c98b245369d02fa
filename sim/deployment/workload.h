// The traffic that a deployment serves.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

namespace moesim {

inline constexpr std::int64_t kMostRequests = 10'000'000;  // Of a workload.

struct Request {
  Seconds arrival;  // kOpen only.
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  Seconds pause{};  // kClosedLoop only: of its user before it.
};

enum class ArrivalKind {
  kStatic,      // All at t = 0.
  kOpen,        // At given dates (Poisson or a trace), whatever the service does.
  kClosedLoop,  // `concurrency` users; each sends the next request when its last one has ended,
                // after its pause.
};

struct ServiceLevel {
  std::optional<Seconds> ttft_p99;
  std::optional<Seconds> tpot_p99;
};

// How well the figures of a run are known: the half-width of 95 % confidence intervals over the
// value, the requests that have not ended over those that came, and the time measured over the P99
// of end-to-end times.
struct Precision {
  double half_width = 0.02;
  double half_width_off_limit = 0;  // Enough where the interval leaves out the limit of the SLO.
  double unfinished = 0.05;
  double end_to_ends = 5;
};
inline constexpr Precision kNominalPrecision{};
inline constexpr Precision kSamplePrecision{
    .half_width = 0.1, .half_width_off_limit = 0.25, .unfinished = 0.25, .end_to_ends = 2};
// Below it, the figures of a run are too uncertain to act on.
inline constexpr Precision kLeastPrecision{.half_width = 0.05, .half_width_off_limit = 0.25};

// The start of a run that is not measured. As built: none.
struct WarmUp {
  bool automatic = false;       // Until the queue and the batch are steady (warm_up.h).
  std::optional<Seconds> time;  // Until then.
  std::int64_t requests = 0;    // Until so many have ended.
};

struct Workload {
  ArrivalKind kind = ArrivalKind::kOpen;
  std::vector<Request> requests;  // Open: ordered by arrival.
  // Draws the requests that follow, one by one; a copy starts behind `requests` again. Null = there
  // are no more.
  std::function<Request()> more;
  std::int64_t concurrency = 0;    // Closed loop only.
  std::optional<Seconds> horizon;  // End of the run; absent = when every request has ended.
  WarmUp warm_up;
  // The traffic stays as it is (arrivals at one rate, users who go on): a run leaves out the end,
  // when no more requests come, and its figures may settle. Else every request is waited for.
  bool stationary = false;
  // The run ends when its figures are as precise as this. Requires: stationary, `more`.
  std::optional<Precision> precision;
  ServiceLevel slo;
  std::string description;         // For the report: "trace chat.csv, 1,200 requests".
  std::vector<std::string> notes;  // What its trace holds and nobody used, a sentence each.
};

}  // namespace moesim
