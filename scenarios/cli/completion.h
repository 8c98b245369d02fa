// Completion scripts for shells, made from the commands.
#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/command.h"

namespace moesim {

inline const std::vector<std::string> kShells = {"bash", "zsh"};

// A script for one of kShells that completes commands, options and values. Names of models and
// hardware are asked of the program when they are wanted.
std::string completion_script(const std::string& shell, const std::vector<Command>& commands);

}  // namespace moesim
