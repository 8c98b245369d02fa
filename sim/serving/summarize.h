// The Summary of a run that has ended.
#pragma once

#include <deque>

#include "sim/serving/service.h"

namespace moesim {

// A run that has ended, service closed.
struct EndedRun {
  const Deployment& deployment;
  const Workload& workload;
  const RoutingBank* bank = nullptr;  // Null for dense models.
  std::deque<Pool>& pools;            // In the order of pools_of().
  const Service& service;
  const Topology& topology;
  Seconds end;
};

// Fills in everything except the memory ledgers; `summary.prefill` exists if there is a prefill
// pool.
void summarize(const EndedRun& run, Summary& summary);

}  // namespace moesim
