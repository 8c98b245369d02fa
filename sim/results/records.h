// Counts of a run so far, from which the Summary is made. TTFT, TPOT and the SLO are counted here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/deployment/workload.h"
#include "sim/results/network_tally.h"
#include "sim/results/summary.h"
#include "sim/step/doubled_links.h"
#include "sim/step/step_model.h"

namespace moesim {

// A request that got its last token.
struct RequestTimes {
  Seconds arrival;
  Seconds first_token;
  Seconds last_token;
  std::int64_t output_tokens = 0;
};

struct Records {
  // Requests.
  std::int64_t arrived = 0, completed = 0, rejected = 0;
  std::int64_t rejected_context = 0;  // Of the rejected: longer than the context of the model.
  std::int64_t input_arrived = 0, input_rejected = 0;
  std::int64_t output_asked = 0, output_rejected = 0;
  FaultSummary faults;          // Without `available`.
  std::int64_t within_slo = 0;  // Completed requests that met the SLO.
  std::vector<double> ttft_s, tpot_s, e2e_s;
  std::vector<double> kv_handover_s;  // From first token to decode replica, by request.
  // Steps.
  std::int64_t steps = 0, decode_steps = 0;
  std::int64_t steps_with_decodes = 0, decoded = 0;  // Sequences decoded in them.
  // Devices.
  std::vector<DeviceLedger> devices;  // [device] Without idle time.
  Joules prefill_energy, decode_energy;
  TrafficTotals traffic;
  NetworkTally network;
  StepSamples samples;           // Of the first replica that decodes.
  RoutingTally routing;          // Of all steps except those of a prefill pool.
  RoutingTally prefill_routing;  // Of the steps of a prefill pool.

  // Requests whose first token came in a step: the time from arrival to first token of each.
  void add_first_tokens(std::span<const Seconds> waits, const Deployment& deployment);
  // Requests that ended in a step, as the clients of the deployment see them.
  void add_completed(std::span<const RequestTimes> requests, const Deployment& deployment,
                     const ServiceLevel& slo);
  // A step of a stage on its devices, without its routing. `elapsed`: the share of it before the
  // horizon.
  void add(const StageCost& cost, std::int64_t first_device, double prefill_share, double elapsed);
};

}  // namespace moesim
