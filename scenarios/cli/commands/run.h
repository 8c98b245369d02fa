// `moesim run`: from scenario files to reports in folders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/commands/publish.h"
#include "scenarios/cli/commands/settings.h"

namespace moesim {

class Ranks;

struct RunArguments {
  std::vector<std::string> files;
  SettingArguments changes;
  OutputArguments output;
  std::string out;                   // Empty = out/NAME.
  std::optional<std::int64_t> jobs;  // Nothing = all cores; under MPI one.
  std::optional<std::int64_t> samples;
  std::string shard;  // i/n; empty = all of the sweep.
  bool fresh = false;
  bool retry_failed = false;
  bool trace = false;
  std::string trace_steps;  // A:B; empty = the last ones.
  bool yes = false;
};

// `ranks` = the ranks of an MPI job that share the work; null without. Returns the exit code.
// Throws: InputError for faulty scenarios or folders that cannot be written.
int run_command(const RunArguments& arguments, Ranks* ranks);

}  // namespace moesim
