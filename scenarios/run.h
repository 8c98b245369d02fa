// The whole flow on one screen: scenario in, report out.
#pragma once

#include "reports/report.h"
#include "scenarios/child_pool.h"
#include "scenarios/scenario.h"

namespace moesim {

struct RunOptions {
  int jobs = 1;  // Cases simulated at once.
  std::int64_t draws =
      0;  // Of everything uncertain, for intervals; each simulates all cases again.
  // The scenario with everything uncertain drawn. Required if there are draws.
  std::function<Scenario(const Variation&)> redraw;
  std::function<void(double, std::size_t)> progress;
};

// Simulations that a run consists of.
std::size_t num_jobs(const Scenario& scenario, const RunOptions& options);

// Simulates every case in a process of its own. After SIGINT the report holds the finished cases,
// marks the others as skipped and has `interrupted` set.
Report run(const Scenario& scenario, const RunOptions& options);

// One case in this process: ledger, routing, simulation, metrics. One call per process.
CaseReport simulate(const Case& one, const ProgressSink& progress);

}  // namespace moesim
