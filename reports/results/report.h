// A whole run: the resolved scenario and its cases. What comes to be read of it is in
// reports/analysis, how in reports/render.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/case_report.h"
#include "reports/results/demand_response.h"

namespace moesim {

struct Report {
  std::string scenario;  // Name.
  std::string question;
  std::uint64_t seed = 0;
  std::string resolved;  // The scenario with every default written out, as YAML; enough to rerun.
  bool interrupted = false;
  bool failures = false;  // A simulation, of a case or a sample, ended without a result.
  std::optional<DemandResponse> demand;  // Absent: nobody asked.
  std::vector<CaseReport> cases;         // In sweep order, then case order.
};

// Expert loads, latency curves and queues are kept for up to so many cases; of a large sweep they
// would be most of report.json.
inline constexpr std::size_t kMostDetailedCases = 16;

// "0.2.0".
std::string_view program_version();

}  // namespace moesim
