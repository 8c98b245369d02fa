// The settings of a sweep that a case stands for, and what it is called among the others.
#pragma once

#include <string>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Swept paths over all cases, in order of first appearance.
std::vector<std::string> swept_paths(const std::vector<CaseReport>& cases);

// Last part of each path; the whole path where two would be the same.
std::vector<std::string> short_paths(const std::vector<std::string>& paths);

// Setting of a case for a swept path; "" if it has none.
std::string setting(const CaseReport& report, const std::string& path);

// "moe", or "moe (num_experts 64, top_k 2)" in a sweep.
std::string case_title(const CaseReport& report, const std::vector<std::string>& paths);

}  // namespace moesim
