// One pipeline stage of one replica: its layers, its devices, its random draws.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "sim/stage_collectives.h"

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
  RandomStream random;
};

// Replica r lies on the devices from first_device + r * replica_ranks on, its stage s from there +
// s * stage_ranks. Keeps a reference to the deployment's model.
Stage make_stage(const Deployment& deployment, std::int64_t replica, std::int64_t index);

}  // namespace moesim
