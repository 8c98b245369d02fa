// A report for spreadsheets.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// One row a case, one column a metric, sweep settings first.
std::string report_csv(const Report& report);

}  // namespace moesim
