// What happened so far in a run: the raw material of the Summary.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/deployment/workload.h"
#include "sim/results/summary.h"
#include "sim/serving/batcher.h"
#include "sim/step/network_use.h"
#include "sim/step/step_model.h"

namespace moesim {

struct Records {
  // Requests.
  std::int64_t arrived = 0, completed = 0, rejected = 0;
  std::int64_t rejected_context = 0;  // Of the rejected: longer than the model's context.
  std::int64_t input_arrived = 0, input_rejected = 0;
  std::int64_t output_asked = 0, output_rejected = 0;
  FaultSummary faults;             // All but the share.
  std::int64_t within_limits = 0;  // Completed requests that met the service level.
  std::vector<double> ttft_s, tpot_s, e2e_s;
  std::vector<double> kv_handover_s;  // First token to decode worker, of each that changed pools.
  // Steps.
  std::int64_t steps = 0, decode_steps = 0;
  std::int64_t steps_with_decodes = 0, decoded = 0;  // Sequences decoded in them.
  // Devices.
  std::vector<DeviceLedger> devices;  // [device] without idle time.
  Joules prefill_energy, decode_energy;
  TrafficTotals traffic;
  NetworkTally network;
  StepSamples samples;                    // Of the first replica of what decodes.
  RoutingTally routing, prefill_routing;  // Of all steps but those of a prefill pool; of those.

  // Books what ended in a step, as the clients of the deployment see it.
  void add(const StepOutcome& outcome, const Deployment& deployment, const ServiceLevel& slo);
  // Books a step of a stage on its devices, or the share of it before the horizon; all but its
  // routing.
  void add(const StageCost& cost, std::int64_t first_device, double prefill_share, double elapsed);
};

// Requests inside over time, thinned by keeping every second point whenever there are too many.
class QueueSeries {
 public:
  // Offers a moment; true if the series wants its point, which add() then takes.
  bool offer() { return offered_++ % stride_ == 0; }
  void add(const QueuePoint& point);
  const std::vector<QueuePoint>& points() const { return points_; }

 private:
  std::vector<QueuePoint> points_;
  std::int64_t stride_ = 1;  // Of the points offered.
  std::int64_t offered_ = 0;
};

// Whether a queue seen by one arrival after another (requests waiting) kept growing; the definition
// stands at Summary::saturated.
bool queue_grows(const std::vector<std::int64_t>& waiting_seen);

}  // namespace moesim
