// A report for a terminal.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// The comparison table, the winner and the reason in one sentence of plain numbers.
// `width` = columns of the terminal.
std::string report_text(const Report& report, int width);

}  // namespace moesim
