// One pipeline stage of one replica: its layers, devices, collectives and random stream.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "sim/network/stage_collectives.h"

namespace moesim {

struct Stage {
  std::int64_t replica = 0;
  std::int64_t index = 0;  // In the replica.
  std::int64_t first_device = 0;
  LayerRange layers;
  std::int64_t first_moe_layer = 0;  // Of the stage, counted in MoE layers of the model.
  std::int64_t moe_layers = 0;
  bool is_first = false;
  bool is_last = false;
  StageCollectives collectives;
  // [rank] Time of a kernel over its time at full speed; empty = full speed.
  std::vector<double> slowness{};
  RandomStream random;
};

// Stage s of replica r has the devices from first_device + r * replica_ranks + s * stage_ranks on.
// Keeps a reference to the deployment's model.
Stage make_stage(const Deployment& deployment, std::int64_t replica, std::int64_t index);
// Applies new conditions of links and devices to a stage.
void apply(const Conditions& conditions, const Deployment& deployment, Stage& stage);
// Whether a step of the stage sends bytes through a link.
bool step_needs(const DownLink& link, const Deployment& deployment, const Stage& stage);
// Whether the transfer of activations from one stage to the next uses a link.
bool transfer_needs(const DownLink& link, const Deployment& deployment, const Stage& from,
                    const Stage& to);

}  // namespace moesim
