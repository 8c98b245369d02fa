// The databases of a sweep's shards put together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/run/database.h"
#include "scenarios/run/run.h"

namespace moesim {

struct MergedSweep {
  Scenario scenario;
  std::int64_t draws = 0;
};

// Takes the results of all files into `database` and reads the scenario that they are about, with
// the files that it names. Throws: InputError if a file is missing or no database, or they are not
// about one scenario and from this build of the program.
MergedSweep merge_databases(const std::vector<std::string>& files, SweepDatabase& database);

// Throws: InputError that says what is missing, if anything is.
void refuse_missing(const std::vector<Job>& missing);

}  // namespace moesim
