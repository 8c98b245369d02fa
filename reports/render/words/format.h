// Numbers as people read them: three significant digits, SI prefixes, no control
// characters.
#pragma once

#include <string>
#include <string_view>

#include "reports/results/case_report.h"

namespace moesim {

// Three significant digits with thousands separated: "0.0123", "1.23", "12,300". Requires: finite.
std::string readable_number(double value);

// A value in the unit of its metric: "1.23 GB", "45.6 ms", "12.3 %", "0.21 USD", "yes".
std::string readable(double value, std::string_view unit);

// A metric of a case in words; "-" if absent.
std::string readable_metric(const CaseReport& report, Metric key);

// The shortest text that reads back as the same double.
std::string exact_number(double value);

// Without control characters, which could steer a terminal.
std::string printable(std::string_view text);

}  // namespace moesim
