// A report as a page.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// One offline file with Chart.js inlined.
std::string report_html(const Report& report);

}  // namespace moesim
