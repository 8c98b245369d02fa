// Why two cases differ, for a terminal.
#pragma once

#include <string>

#include "reports/analysis/explain.h"

namespace moesim {

// One sentence and a table. `a`, `b`: what the cases are called.
std::string explanation_text(const std::string& a, const std::string& b,
                             const Explanation& explanation, int width);

}  // namespace moesim
