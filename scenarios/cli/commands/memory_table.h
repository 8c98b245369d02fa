// The memory ledger of every case of a scenario as text, for `moesim check`.
#pragma once

#include <string>

#include "scenarios/cases/scenario.h"

namespace moesim {

// One column a case (at its first sweep point), one row an item of the fullest device.
std::string memory_table(const Scenario& scenario);

}  // namespace moesim
