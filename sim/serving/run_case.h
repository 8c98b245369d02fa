// Runs one deployment under one workload to the end.
#pragma once

#include <functional>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"
#include "sim/results/summary.h"
#include "sim/results/timeline.h"

namespace moesim {

// Requires: a sound plan, and memory that fits: `ledgers` are those of its pools, see
// pool_ledgers(); a bank for MoE models. One call per process (Engine). `progress` is told the
// share done, 0 to 1, after every step.
Summary run_case(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                 const Workload& workload, const RoutingBank* bank,
                 const std::function<void(double)>& progress = {});
Summary run_case(const Deployment& deployment, const Workload& workload, const RoutingBank* bank,
                 const std::function<void(double)>& progress = {});

// The same run up to the end of the window, watched: `spans` bounds what is shown of each pool, see
// fitting_view. The same requirements.
CaseTimeline record_timeline(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                             const Workload& workload, const RoutingBank* bank,
                             const TimelineRequest& request,
                             const std::function<void(double)>& progress = {});

}  // namespace moesim
