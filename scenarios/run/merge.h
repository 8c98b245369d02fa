// Merges the databases of the shards of a sweep.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/run/database.h"
#include "scenarios/run/run.h"

namespace moesim {

struct MergedSweep {
  Scenario scenario;
  std::int64_t samples = 0;
};

// Copies the results of all files into `database` and reads the scenario that they belong to, with
// the files that it names. Throws: InputError if a file is missing or no database, or if the files
// are of different scenarios or of another build of the program.
MergedSweep merge_databases(const std::vector<std::string>& files, SweepDatabase& database);

// Throws: InputError with the number of missing results, if any is missing.
void refuse_missing(const std::vector<Job>& missing);

}  // namespace moesim
