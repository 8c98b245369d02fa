// The traffic that a deployment serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

namespace moesim {

struct Request {
  Seconds arrival;  // kOpen only.
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
};

enum class ArrivalKind {
  kStatic,      // All at t = 0.
  kOpen,        // At given dates (Poisson or a trace), whatever the service does.
  kClosedLoop,  // `concurrency` users; each sends the next request when its last one ends.
};

struct ServiceLevel {
  std::optional<Seconds> ttft_p99;
  std::optional<Seconds> tpot_p99;
};

struct Workload {
  ArrivalKind kind = ArrivalKind::kOpen;
  std::vector<Request> requests;   // Open: ordered by arrival.
  std::int64_t concurrency = 0;    // Closed loop only.
  std::optional<Seconds> horizon;  // End of the run; absent = when every request has ended.
  ServiceLevel slo;
  std::string description;         // For the report: "trace chat.csv, 1,200 requests".
  std::vector<std::string> notes;  // What its trace holds and nobody used, a sentence each.
};

}  // namespace moesim
