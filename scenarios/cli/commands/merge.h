// `moesim merge`: the databases of a sweep's shards become one report.
#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/commands/publish.h"

namespace moesim {

struct MergeArguments {
  std::vector<std::string> databases;
  std::string out;
  OutputArguments output;
};

// Returns the exit code. Throws: InputError for databases that do not make a whole sweep.
int merge_command(const MergeArguments& arguments);

}  // namespace moesim
