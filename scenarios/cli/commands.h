// What each command of the program does.
#pragma once

#include "base/input_error.h"

namespace moesim {

class Ranks;

inline constexpr int kExitDone = 0;
inline constexpr int kExitBadInput = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNothingFeasible = 3;
inline constexpr int kExitInterrupted = 130;

// Parses the arguments and runs the command, which may share its work with the other ranks of an
// MPI job, if there are any. Returns the exit code. Throws: InputError for bad input.
int run_command_line(int argc, char** argv, Ranks* ranks = nullptr);

}  // namespace moesim
