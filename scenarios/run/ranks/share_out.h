// A run over the ranks of an MPI job: rank 0 gives simulations one by one to ranks that are free,
// and to children of its own; the other ranks simulate and send their results to rank 0.
#pragma once

#include <vector>

#include "scenarios/run/ranks/ranks.h"
#include "scenarios/run/run.h"

namespace moesim {

// On rank 0: runs the jobs of a scenario, `at_once` on each rank. Jobs of a rank that has ended or
// is silent for a minute go to the others. Returns as run_children. Throws: the error of a
// simulation on any rank; std::runtime_error for a job on which two ranks died.
bool share_out(Ranks& ranks, const Scenario& scenario, const std::vector<Job>& todo,
               const ChildJobs& jobs);

// On rank 0, at the end: ends the other ranks.
void dismiss(Ranks& ranks);

// On the other ranks: runs the jobs from rank 0 until dismissed.
void serve(Ranks& ranks);

}  // namespace moesim
