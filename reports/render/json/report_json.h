// A report for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "reports/results/report.h"

namespace moesim {

// Context (version, seed, resolved scenario, metric meanings, provenance) and every case. No clock,
// no path: the same scenario and seed give the same bytes.
nlohmann::ordered_json report_json(const Report& report);

}  // namespace moesim
