// A run over the ranks of an MPI job: rank 0 gives out simulations one by one to whoever is free,
// and has children of its own; the others simulate and send results home.
#pragma once

#include <vector>

#include "scenarios/run/ranks/ranks.h"
#include "scenarios/run/run.h"

namespace moesim {

// On rank 0: does the jobs of a scenario, `at_once` on each rank. Jobs of a rank that is gone, or
// silent for a minute, go to the others. Returns as run_children. Throws: what a simulation threw,
// on whatever rank; std::runtime_error for a job that took two ranks with it.
bool share_out(Ranks& ranks, const Scenario& scenario, const std::vector<Job>& todo,
               const ChildJobs& jobs);

// On rank 0, at the end: the others may go.
void dismiss(Ranks& ranks);

// On the others: simulates what rank 0 gives, until dismissed.
void serve(Ranks& ranks);

}  // namespace moesim
