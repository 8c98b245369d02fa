// `moesim check`: a scenario resolved, and the memory of its cases, without a simulation.
#pragma once

#include <string>

#include "scenarios/cli/commands/settings.h"

namespace moesim {

struct CheckArguments {
  std::string file;
  SettingArguments changes;
};

// Returns the exit code. Throws: InputError for a faulty scenario.
int check_command(const CheckArguments& arguments);

}  // namespace moesim
