// Cases out of a report.json, whichever release wrote it: names, points, status and metrics.
#pragma once

#include <string>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Metrics that the file lacks are absent, those that nobody knows any more are left out. Throws:
// InputError if the text is no report.json.
std::vector<CaseReport> read_report(const std::string& text, const std::string& file);

}  // namespace moesim
