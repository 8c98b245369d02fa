// One pipeline stage of one replica: its layers, its devices, its random draws.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "sim/network/stage_collectives.h"

namespace moesim {

struct Stage {
  std::int64_t replica = 0;
  std::int64_t index = 0;  // Among the stages of the replica.
  std::int64_t first_device = 0;
  LayerRange layers;
  std::int64_t first_moe_layer = 0;  // Of the stage, among the MoE layers of the model.
  std::int64_t moe_layers = 0;
  bool is_first = false;
  bool is_last = false;
  StageCollectives collectives;
  std::vector<double>
      slowness{};  // [rank] Time of a kernel over that at full speed; empty = all 1.
  RandomStream random;
};

// Replica r lies on the devices from first_device + r * replica_ranks on, its stage s from there +
// s * stage_ranks. Keeps a reference to the deployment's model.
Stage make_stage(const Deployment& deployment, std::int64_t replica, std::int64_t index);
// The links and devices of a stage from now on.
void meet(const Conditions& conditions, const Deployment& deployment, Stage& stage);
// Whether a step of the stage sends anything through a link.
bool step_needs(const DownLink& link, const Deployment& deployment, const Stage& stage);
// Whether activations cross a link on their way to the next stage.
bool journey_needs(const DownLink& link, const Deployment& deployment, const Stage& from,
                   const Stage& to);

}  // namespace moesim
