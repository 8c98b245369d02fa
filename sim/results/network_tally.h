// Sums over the steps of a run: time in each kind of communication, and bytes through each port
// while tokens were dispatched.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/step/step_model.h"

namespace moesim {

struct NetworkTally {
  // Of one device while tokens are dispatched: the time, and the bytes through its ports.
  struct Ports {
    Seconds time;
    Bytes up_out, up_in, out_out, out_in;
  };

  CommunicationTimes prompt_steps, decode_steps;  // Rank-seconds.
  std::vector<Ports> dispatch;                    // [device]; empty where tokens do not travel.

  // Adds a step of a stage. `elapsed`: the share of it before the horizon. `devices`: how many the
  // cluster has.
  void add(const StageCost& cost, std::int64_t first_device, bool has_prompts, double elapsed,
           std::size_t devices);
};

}  // namespace moesim
