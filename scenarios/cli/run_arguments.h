// What the commands that run scenarios are told on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/cases/scenario.h"
#include "scenarios/run/run.h"

namespace moesim {

struct RunArguments {
  std::vector<std::string> files;
  std::string out;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> settings;
  std::optional<int> jobs;
  std::optional<std::int64_t> draws;
  std::string shard;
  bool fresh = false;
  bool trace = false;
  std::string trace_steps;
  bool yes = false;
  bool json = false;
  bool markdown = false;
  bool quiet = false;
};

// --set and --seed. Throws: InputError for what is no path=value.
std::vector<Setting> settings_of(const RunArguments& arguments);

// --shard 2/8. Throws: InputError if it is not that.
Shard shard_of(const RunArguments& arguments);

// out/NAME unless --out is given; with several files each gets a folder of its own below it, and
// below that each shard.
std::string out_folder(const RunArguments& arguments, const std::string& file);

// Intervals by default where every case is looked at by itself; a large sweep has none unless
// asked.
std::int64_t draws_of(const RunArguments& arguments, const Scenario& scenario);

}  // namespace moesim
