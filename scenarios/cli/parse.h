// From the words of the command line to a command that has run.
#pragma once

#include <vector>

#include "scenarios/cli/command.h"

namespace moesim {

// Parses the arguments into the targets of one command and runs it. Prints help, the version and
// faults of usage. Returns the exit code. Throws: InputError for an empty value, and as the
// command.
int parse_and_run(const std::vector<Command>& commands, int argc, char** argv);

}  // namespace moesim
