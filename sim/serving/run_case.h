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

// `ledgers`: of its pools, see pool_ledgers(). `bank`: for MoE models, else null. `progress` gets
// the share done, 0 to 1, after every step. Requires: a valid plan; memory that fits; one call per
// process (Engine).
Summary run_case(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                 const Workload& workload, const RoutingBank* bank,
                 const std::function<void(double)>& progress = {});
Summary run_case(const Deployment& deployment, const Workload& workload, const RoutingBank* bank,
                 const std::function<void(double)>& progress = {});

// Runs the same case up to the end of the window and records its timeline. The requested spans are
// divided among the pools, see fitting_view(). Requires: as above.
CaseTimeline record_timeline(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                             const Workload& workload, const RoutingBank* bank,
                             const TimelineRequest& request,
                             const std::function<void(double)>& progress = {});

}  // namespace moesim
