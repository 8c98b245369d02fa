// Whole runs of made deployments in child processes.
#pragma once

#include <functional>
#include <vector>

#include "sim/run_case.h"
#include "tests/sim/in_child.h"
#include "tests/sim/made_deployment.h"

namespace moesim::made {

using Picked = std::function<std::vector<double>(const Summary&)>;

// Numbers picked from the summary of a run.
inline std::vector<double> run(const Deployment& deployment, const Workload& workload,
                               const Picked& picked) {
  return in_child([&] {
    RoutingBank bank;
    const bool is_moe = deployment.model.is_moe();
    if (is_moe) bank = make_routing_bank(deployment.model, deployment.tokens, 1);
    return picked(run_case(deployment, workload, is_moe ? &bank : nullptr));
  });
}

}  // namespace moesim::made
