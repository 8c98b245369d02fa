// Numbers and names as people read them: three significant digits, SI prefixes, no control
// characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Three significant digits with thousands separated: "0.0123", "1.23", "12,300". Requires: finite.
std::string readable_number(double value);

// A value in the unit of its metric: "1.23 GB", "45.6 ms", "12.3 %", "0.21 USD", "yes".
std::string readable(double value, std::string_view unit);

// Metric `key` of a case in words; "-" if absent.
std::string readable_metric(const CaseReport& report, std::string_view key);

// The shortest text that reads back as the same double.
std::string exact_number(double value);

// Without control characters, which could steer a terminal.
std::string printable(std::string_view text);

// Swept paths over all cases, in order of first appearance.
std::vector<std::string> swept_paths(const std::vector<CaseReport>& cases);

// Last part of each path; the whole path where two would be the same.
std::vector<std::string> short_paths(const std::vector<std::string>& paths);

// Setting of a case for a swept path; "" if it has none.
std::string setting(const CaseReport& report, const std::string& path);

// "moe", or "moe (num_experts 64, top_k 2)" in a sweep.
std::string case_title(const CaseReport& report, const std::vector<std::string>& paths);

}  // namespace moesim
