// Which kernels of a scenario rest on measured tables: for `check`.
#pragma once

#include <string>

#include "scenarios/cases/scenario.h"

namespace moesim {

// Per case whose device has measured tables: the tables, how many of the case's kernel shapes they
// hold, and which ones they lack, as rows for hardware/measure. Empty if no device has any.
std::string measured_text(const Scenario& scenario);

}  // namespace moesim
