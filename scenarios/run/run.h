// The whole flow on one screen: scenario in, report out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reports/render/report.h"
#include "scenarios/cases/scenario.h"
#include "scenarios/run/child_pool.h"
#include "scenarios/run/progress_bar.h"

namespace moesim {

class SweepDatabase;

// A part of a run: the rows whose number leaves `index` - 1 over when divided by `of`.
struct Shard {
  std::int64_t index = 1;
  std::int64_t of = 1;
};

// One simulation: a case as it is stated (draw 0), or one of its draws.
struct Job {
  std::size_t one = 0;    // Of scenario.rows.
  std::int64_t row = 0;   // The same case where the scenario is read again: its row, ...
  std::int64_t twin = 0;  // ... and the twin in it; 0 = the case itself.
  std::int64_t draw = 0;
  std::int64_t draws = 0;  // How many there are; 0 for draw 0.
  bool details = true;     // Whether curves and matrices are wanted.
};

struct RunOptions {
  int jobs = 1;  // Cases simulated at once.
  std::int64_t draws =
      0;  // Of everything uncertain, for intervals; each simulates all cases again.
  Shard shard = {};
  SweepDatabase* database = nullptr;  // What is there is not simulated again; what is new is kept.
  // Does the jobs, where others than children of this process help.
  std::function<bool(const std::vector<Job>&, const ChildJobs&)> execute = {};
  std::function<void(const RunProgress&)> progress = {};
};

// Simulates every case in a process of its own. After SIGINT the report holds the finished cases,
// marks the others as skipped (of many rows it leaves them out) and has `interrupted` set. With
// more finished rows than a report holds it has no cases: they are in the database.
Report run(const Scenario& scenario, const RunOptions& options);

// One case in this process: ledger, routing, simulation, metrics. One call per process.
CaseReport simulate(const Case& one, const ProgressSink& progress);

// A case that did not run.
CaseReport report_without_run(const CaseRow& one, CaseStatus status, const std::string& reason);

// What the process of a job sends home, wherever it runs: the scenario needs no rows or cases, the
// row is read again. Throws: as read_twin.
std::string simulate_again(const Scenario& scenario, const Job& job, const ProgressSink& progress);

}  // namespace moesim
