// The conditions of a measured run, the simulation of these conditions, and its results.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "models/spec/parallel_plan.h"
#include "scenarios/validate/plan/library.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"

namespace moesim {

// A deployment and its traffic as a table describes them. Everything else has the defaults of a
// scenario.
struct Simulation {
  std::string model, hardware;  // Slugs of the library.
  std::int64_t devices = 1;
  bool whole_server = false;  // Hosts, NICs and power supplies draw power too.
  ParallelPlan plan;
  std::optional<ParallelPlan>
      prefill;  // Of a separate prefill pool; then `plan` is of the decode pool.
  DtypePlan dtypes;
  std::string engine;
  TokenPolicy routing = TokenPolicy::kCalibrated;
  double power_limit_w = 0;  // 0 = that of the data sheet.
  Sampling sampling = Sampling::kGreedy;
  double launch_scale = 1;  // Of the engine's launch cost.

  ArrivalKind arrivals = ArrivalKind::kClosedLoop;
  std::int64_t input_tokens = 1;
  std::int64_t output_tokens = 1;
  // Lengths are uniform between this share of the above and all of it.
  double shortest = 1;
  std::int64_t users = 1;     // Closed loop: concurrent users. Static: requests.
  std::int64_t requests = 1;  // Total.
  // Closed loop: measured rounds, each of as many requests as users. If fewer are simulated, those
  // between the first and the last represent all such rounds in the means of TTFT and TPOT.
  std::int64_t rounds = 0;
  // Engine limits; 0 = the engine's own.
  double memory_utilization = 0;
  std::int64_t max_num_seqs = 0;
  std::int64_t max_batched_tokens = 0;
  std::int64_t admission_interval = 0;
  bool overlaps_host = false;  // Overrides the default of the engine.
  bool prompts_first = false;  // All prompts before any decode; overrides the engine.

  // Text that is equal for equal conditions.
  std::string key() const;
  // Equal for simulations that share a routing bank; empty for dense models.
  std::string bank_key(const Library& library) const;
};

struct SimulationResult {
  std::string failed;                        // Reason why there are no figures; empty = none.
  double ttft_s = 0, tpot_s = 0, e2e_s = 0;  // Means over requests.
  double fastest_tpot_s = 0;
  double horizon_s = 0;
  double requests = 0;                         // Completed.
  double input_tokens = 0, output_tokens = 0;  // Processed.
  double device_joules = 0;                    // Of the devices that the deployment uses.
  double prefill_joules = 0;                   // The part of them for prompts.
  double cluster_joules = 0;                   // Whole cluster with losses and cooling.
};

// The reason why the layout is invalid for this model and number of devices; empty = valid.
std::string layout_fault(const Simulation& simulation, const Library& library);

// Requires: one call per process; a bank for MoE models; no layout fault.
SimulationResult run_simulation(const Simulation& simulation, const Library& library,
                                const RoutingBank* bank);

Deployment deployment_of(const Simulation& simulation, const Library& library);

std::string to_text(const SimulationResult& result);
SimulationResult simulation_result_from(const std::string& text);

}  // namespace moesim
