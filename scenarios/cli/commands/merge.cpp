#include "scenarios/cli/commands/merge.h"

#include <fmt/format.h>

#include "scenarios/run/database.h"
#include "scenarios/run/merge.h"
#include "scenarios/run/output_folder.h"
#include "scenarios/run/run.h"

namespace moesim {

int merge_command(const MergeArguments& arguments) {
  check_writable(arguments.out);
  const FolderLock lock(arguments.out);
  SweepDatabase database(arguments.out);
  const MergedSweep merged = merge_databases(arguments.databases, database);
  RunOptions options;
  options.samples = merged.samples;
  options.database = &database;
  options.execute = [](const std::vector<Job>& missing, const ChildJobs&) {
    refuse_missing(missing);
    return true;
  };
  const Report report = run(merged.scenario, options);
  return publish(arguments.output, report, arguments.out, fmt::format(", {}", kDatabaseFile));
}

}  // namespace moesim
