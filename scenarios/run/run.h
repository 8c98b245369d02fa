// The whole flow on one screen: scenario in, report out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reports/results/report.h"
#include "scenarios/cases/scenario.h"
#include "scenarios/run/child_pool.h"
#include "scenarios/run/progress_bar.h"

namespace moesim {

class SweepDatabase;

// A part of a run: the rows with row % `of` = `index` - 1.
struct Shard {
  std::int64_t index = 1;
  std::int64_t of = 1;
};

// One simulation: a case as stated (sample 0), or one of its Monte Carlo samples.
struct Job {
  std::size_t index = 0;  // In scenario.rows.
  // The same case in a scenario that is read again: its row, and the twin in that row (0 = the case
  // itself).
  std::int64_t row = 0, twin = 0;
  std::int64_t sample = 0;
  std::int64_t samples = 0;  // Their number; 0 for sample 0.
  bool details = true;       // Whether the report needs curves and matrices.
};

struct RunOptions {
  int jobs = 1;  // Cases simulated at once.
  // Monte Carlo samples of everything uncertain, for intervals; each simulates all cases again.
  std::int64_t samples = 0;
  Shard shard = {};
  SweepDatabase* database = nullptr;  // Its results are reused; new results are stored in it.
  bool retry_failed = false;          // Rows that failed in an earlier run are tried again.
  // Runs the jobs; set where other processes than children of this one help.
  std::function<bool(const std::vector<Job>&, const ChildJobs&)> execute = {};
  std::function<void(const RunProgress&)> progress = {};
};

// Simulates every case in a process of its own. After SIGINT the report has the finished cases,
// marks the others as skipped (or leaves them out if there are many), and `interrupted` is set. A
// case whose simulation dies is a failed row with its reason. If
// more rows have finished than a report holds, it has no cases: they are in the database.
// Throws: InputError of the first case if files make every simulation fail.
Report run(const Scenario& scenario, const RunOptions& options);

// Runs one case in this process: ledger, routing, simulation, metrics.
// Requires: one call per process.
CaseReport simulate(const Case& planned, const ProgressSink& progress);

// A row as messages name it: "moe, moe.model.top_k = 4".
std::string row_title(const CaseRow& row);

// The report of a case that did not run.
CaseReport report_without_run(const CaseRow& row, CaseStatus status, const std::string& reason);

// Runs a job and returns its result as text. The scenario needs no rows or cases: the row is read
// again from its text. Throws: as read_twin.
std::string simulate_again(const Scenario& scenario, const Job& job, const ProgressSink& progress);

}  // namespace moesim
