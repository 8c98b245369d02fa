// The conditions of a measured run, the simulation that they become, and the figures it gives.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "models/spec/parallel_plan.h"
#include "scenarios/validate/truth/library.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"

namespace moesim {

// A deployment and its traffic in the words of a table. Everything that is not here is what a
// scenario without that key would have.
struct Simulation {
  std::string model;  // Slugs that the library knows.
  std::string hardware;
  std::int64_t devices = 1;
  bool whole_server = false;  // Hosts, NICs and power supplies count.
  ParallelPlan plan;
  std::optional<ParallelPlan> prefill;  // Prefill workers of their own; `plan` is the decode ones'.
  DtypePlan dtypes;
  std::string engine;
  TokenPolicy routing = TokenPolicy::kCalibrated;
  double power_limit_w = 0;  // 0 = data sheet.
  Sampling sampling = Sampling::kGreedy;
  double launch_scale = 1;  // Of the engine's launch cost.

  ArrivalKind arrivals = ArrivalKind::kClosedLoop;
  std::int64_t input_tokens = 1;
  std::int64_t output_tokens = 1;
  // Lengths are drawn evenly from this share of the above to all of it.
  double shortest = 1;
  std::int64_t users = 1;     // Closed loop: at once. Static: requests.
  std::int64_t requests = 1;  // In all.
  // Closed loop: rounds of as many requests as users that were measured. Where fewer are simulated,
  // those between the first and the last stand for all between, in means of TTFT and TPOT.
  std::int64_t rounds = 0;
  // Engine limits; 0 = the engine's own.
  double memory_utilization = 0;
  std::int64_t max_num_seqs = 0;
  std::int64_t max_batched_tokens = 0;
  std::int64_t admission_interval = 0;
  bool overlaps_host = false;  // Whatever the engine does by default.
  bool prompts_first = false;  // All prompts before any decode, whatever the engine does.

  // Equal for equal conditions.
  std::string key() const;
  // Simulations with this in common draw from one routing bank; empty for dense models.
  std::string bank_key(const Library& library) const;
};

struct SimulationResult {
  std::string failed;                        // Why there are no figures.
  double ttft_s = 0, tpot_s = 0, e2e_s = 0;  // Means over requests.
  double fastest_tpot_s = 0;
  double horizon_s = 0;
  double requests = 0;                         // Completed.
  double input_tokens = 0, output_tokens = 0;  // Done.
  double device_joules = 0;                    // Of the devices that the deployment uses.
  double prefill_joules = 0;                   // Of them while they work on prompts.
  double cluster_joules = 0;                   // Everything, losses and cooling aside.
};

// What is wrong with the layout for this model and number of devices; empty = nothing.
std::string layout_fault(const Simulation& simulation, const Library& library);

// Runs it. One call per process. Requires: a bank for MoE models; no layout fault.
SimulationResult run_simulation(const Simulation& simulation, const Library& library,
                                const RoutingBank* bank);

Deployment deployment_of(const Simulation& simulation, const Library& library);

std::string to_text(const SimulationResult& result);
SimulationResult simulation_result_from(const std::string& text);

}  // namespace moesim
