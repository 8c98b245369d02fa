// What the network did in a run: time in each kind of communication, bytes through each port while
// tokens were dispatched, and what faster links would have bought.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "hardware/network/topology.h"
#include "sim/results/summary.h"
#include "sim/step/step_model.h"

namespace moesim {

// Sums over the steps of a run.
struct NetworkTally {
  // Of one device, while tokens are dispatched: how long, and bytes through its ports.
  struct Ports {
    Seconds time;
    Bytes up_out, up_in, out_out, out_in;
  };

  CommunicationTimes prompt_steps, decode_steps;  // Rank-seconds.
  std::vector<Ports> dispatch;                    // [device]; empty where tokens do not travel.

  // Books a step of a stage, or the share of it before the horizon. `devices` of the cluster.
  void add(const StageCost& cost, std::int64_t first_device, bool has_prompts, double elapsed,
           std::size_t devices);
};

// Up to 16 steps of a replica, evenly spread over the run: kept by dropping every second one
// whenever there are too many.
class StepSamples {
 public:
  void offer(const std::vector<RankStep>& step);
  const std::vector<std::vector<RankStep>>& steps() const { return steps_; }

 private:
  std::vector<std::vector<RankStep>> steps_;
  std::int64_t stride_ = 1;
  std::int64_t offered_ = 0;
};

// Shortening of the sampled steps if all links of a class were twice as fast: every step is priced
// again by the same model with the same draws, once as it is and once with collectives over links
// of twice the bandwidth; latencies stay. A tree above the NICs grows with them; the spine alone
// gains where it is what holds the NICs back. Pipeline transfers and KV handovers are not part of
// it.
struct DoubledLinks {
  double scale_up = 0;
  double scale_out = 0;
  double spine = 0;  // All links between switches.
};
DoubledLinks doubled_links(const Deployment& deployment, StepModel& model,
                           const StepSamples& samples);

// `model`: of the deployment's first pool. `summary` has traffic, horizon and routing already.
NetworkSummary summarize_network(const Deployment& deployment, const Topology& topology,
                                 const NetworkTally& tally,
                                 const std::optional<DoubledLinks>& doubled,
                                 const DeviceModel& device, const Summary& summary);

}  // namespace moesim
