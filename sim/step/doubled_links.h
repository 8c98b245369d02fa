// The gain from faster links: some steps of a run, priced again with links of twice the bandwidth.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/step/step_model.h"

namespace moesim {

// Up to 16 steps of a replica, evenly spread over the run: whenever there are too many, every
// second one is dropped.
class StepSamples {
 public:
  void offer(const std::vector<RankStep>& step);
  const std::vector<std::vector<RankStep>>& steps() const { return steps_; }

 private:
  std::vector<std::vector<RankStep>> steps_;
  std::int64_t stride_ = 1;
  std::int64_t offered_ = 0;
};

// Shares by which the sampled steps would be shorter if all links of one class were twice as fast.
// The same model prices every step twice with the same routed tokens: with the links as they are,
// and with twice their bandwidth; latencies stay. A fat tree above the NICs grows with them. The
// links between switches, doubled alone, help where they limit the NICs. Pipeline transfers and KV
// handovers are left out.
struct DoubledLinks {
  double scale_up = 0;
  double scale_out = 0;
  double spine = 0;  // All links between switches.
};
DoubledLinks doubled_links(const Deployment& deployment, StepModel& model,
                           const StepSamples& samples);

}  // namespace moesim
