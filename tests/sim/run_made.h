// Whole runs of made deployments in child processes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "models/router/make/make_bank.h"
#include "sim/serving/run_case.h"
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

// Laws L1 and L5: requests, tokens and KV blocks. Inside a picker.
inline void expect_conserved(const Summary& s) {
  EXPECT_EQ(s.in_flight_before + s.arrived, s.completed + s.rejected + s.in_flight);
  EXPECT_EQ(s.input_tokens_before + s.input_tokens_arrived,
            s.input_tokens_done + s.input_tokens_inside + s.input_tokens_rejected);
  EXPECT_EQ(s.output_tokens_before + s.output_tokens_asked,
            s.output_tokens_done + s.output_tokens_inside + s.output_tokens_rejected);
  EXPECT_EQ(s.kv_blocks_allocated, s.kv_blocks_freed + s.kv_blocks_held);
}

}  // namespace moesim::made
