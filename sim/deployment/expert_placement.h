// Where the experts of a deployment lie and how its tokens reach them.
#pragma once

#include <vector>

#include "models/placement/expert_profile.h"
#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Nodes that share the EP groups of a stage evenly; 1 if they do not.
std::int64_t placement_nodes(const ParallelPlan& plan, std::int64_t devices_per_node);

// What the placement of every MoE layer has to fill.
PlacementShape placement_shape(const Deployment& deployment);

// The tokens that requests draw from, and where the experts lie that serve them.
struct PlacedBank {
  RoutingBank served;
  std::vector<LayerPlacement> layers;  // [MoE layer]
};

// Places by one half of the bank and serves the other, unless the placement goes by no loads or is
// to know those it serves. One EP group holds all experts wherever they are placed, and balanced
// tokens are so as a whole: then the whole bank is served too.
PlacedBank place_bank(const Deployment& deployment, const RoutingBank& bank);

// The ranks of one pipeline stage as the dispatch sees them.
DispatchGeometry dispatch_geometry(const Deployment& deployment, DispatchMode mode);

// Bytes of one copy of a token on its way to an expert, and of a result on its way back.
Bytes dispatch_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode);
Bytes combine_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode);

// Weights of one expert as they are stored.
Bytes expert_bytes(const Deployment& deployment, const MoeSpec& moe);

}  // namespace moesim
