// A report in GitHub's Markdown, short enough for a pull request: question, verdict, one table of
// the cases, warnings.
#pragma once

#include <string>
#include <string_view>

#include "reports/results/report.h"

namespace moesim {

// The same values as the terminal's, the P10 to P90 of headline metrics in brackets.
std::string report_markdown(const Report& report);

// Text as text: no character of it acts as Markdown or HTML, and it stays on one line, so that it
// fits a table's cell.
std::string markdown_text(std::string_view text);

}  // namespace moesim
