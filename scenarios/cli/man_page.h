// The manual page moesim(1), made from the commands.
#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/command.h"

namespace moesim {

// In the man macros of troff.
std::string man_page(const std::vector<Command>& commands);

}  // namespace moesim
