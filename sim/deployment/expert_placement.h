// The placement of the experts of a deployment and the way of tokens to them.
#pragma once

#include <vector>

#include "models/placement/expert_profile.h"
#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Number of nodes if they share the EP groups of a stage evenly, else 1.
std::int64_t placement_nodes(const ParallelPlan& plan, std::int64_t devices_per_node);

// The groups and slots that the placement of every MoE layer fills.
PlacementShape placement_shape(const Deployment& deployment);

// The tokens that requests are sampled from, and the placement of the experts that serve them.
struct PlacedBank {
  RoutingBank served;
  std::vector<LayerPlacement> layers;  // [MoE layer]
};

// Places experts by the loads of one half of the bank and serves the other half. The whole bank
// serves if the placement ignores loads, if it may know the served ones
// (PlacementProfile::kHeldOut is not set), if one EP group holds all experts, or if tokens are
// balanced over the bank as a whole.
PlacedBank place_bank(const Deployment& deployment, const RoutingBank& bank);

// The ranks of one pipeline stage as dispatch sees them.
DispatchGeometry dispatch_geometry(const Deployment& deployment, DispatchMode mode);

// Bytes of one copy of a token sent to an expert, and of one result sent back.
Bytes dispatch_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode);
Bytes combine_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode);

// Stored weights of one expert.
Bytes expert_bytes(const LayerSpec& layer);

}  // namespace moesim
