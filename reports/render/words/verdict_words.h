// The verdict in words.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// "mixtral costs 0.21 USD per million output tokens against 0.94 ...: it reads 3.4 times fewer ..."
// One sentence; says so when there is nothing to compare.
std::string verdict_text(const Report& report);

}  // namespace moesim
