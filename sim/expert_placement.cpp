#include "sim/expert_placement.h"

#include <algorithm>
#include <cmath>

namespace moesim {

namespace {

std::int64_t stage_nodes(const Deployment& deployment) {
  const std::int64_t per_node = deployment.cluster.node.devices;
  return std::max<std::int64_t>(1, deployment.plan.stage_ranks() / per_node);
}

LayerPlacement place_layer(const Deployment& deployment, const std::vector<double>& counts) {
  const std::int64_t groups = deployment.plan.ep;
  if (deployment.placement.policy == PlacementPolicy::kLinear) {
    return place_linear(static_cast<std::int64_t>(counts.size()), groups);
  }
  const std::int64_t nodes = stage_nodes(deployment);
  const std::int64_t router_groups = deployment.model.moe().router.num_groups;
  const bool by_node = router_groups > 1 && router_groups % nodes == 0 && groups % nodes == 0;
  return place_eplb(counts, deployment.placement.redundant_experts, groups,
                    by_node ? router_groups : 1, by_node ? nodes : 1);
}

double scale_bytes(Dtype dtype, double hidden) {
  switch (dtype) {
    case Dtype::kFp8:
      return 4 * hidden / 128;
    case Dtype::kFp4:
      return hidden / 16;
    default:
      return 0;
  }
}

}  // namespace

std::vector<LayerPlacement> place_experts(const Deployment& deployment, const RoutingBank& bank) {
  std::vector<LayerPlacement> placement;
  for (const std::vector<double>& counts : expert_counts(bank)) {
    placement.push_back(place_layer(deployment, counts));
  }
  return placement;
}

DispatchGeometry dispatch_geometry(const Deployment& deployment, DispatchMode mode) {
  DispatchGeometry geometry;
  geometry.ranks = deployment.plan.stage_ranks();
  geometry.ranks_per_node = std::min(geometry.ranks, deployment.cluster.node.devices);
  geometry.tokens_travel = deployment.plan.dispatches_tokens();
  geometry.mode = mode;
  return geometry;
}

Bytes dispatch_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode) {
  const Dtype dtype = deployment.dtypes.dispatch;
  const double hidden = static_cast<double>(moe.expert_input);
  const double payload = hidden * element_bytes(dtype) + scale_bytes(dtype, hidden);
  if (mode == DispatchMode::kLowLatency) return Bytes(16 + payload);
  const double message = payload + 8 + 8 * static_cast<double>(moe.top_k);
  return Bytes(16 * std::ceil(message / 16));
}

Bytes combine_bytes(const MoeSpec& moe) {
  return Bytes(2 * static_cast<double>(moe.expert_input));
}

}  // namespace moesim
