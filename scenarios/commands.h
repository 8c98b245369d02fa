// What each command of the program does.
#pragma once

#include "base/input_error.h"

namespace moesim {

inline constexpr int kExitDone = 0;
inline constexpr int kExitBadInput = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNothingFeasible = 3;
inline constexpr int kExitInterrupted = 130;

// Parses the arguments and runs the command. Returns the exit code.
// Throws: InputError for bad input.
int run_command_line(int argc, char** argv);

}  // namespace moesim
