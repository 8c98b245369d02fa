#include "sim/deployment/expert_placement.h"

#include <algorithm>

namespace moesim {

std::int64_t placement_nodes(const ParallelPlan& plan, std::int64_t devices_per_node) {
  const std::int64_t ranks = plan.stage_ranks();
  if (devices_per_node < 1 || ranks % devices_per_node != 0) return 1;
  const std::int64_t nodes = ranks / devices_per_node;
  return plan.ep % nodes == 0 ? nodes : 1;
}

PlacementShape placement_shape(const Deployment& deployment) {
  return {.groups = deployment.plan.ep,
          .nodes = placement_nodes(deployment.plan, deployment.cluster.node.devices),
          .redundant = deployment.placement.redundant_experts,
          .router_groups = deployment.model.moe().router.num_groups};
}

namespace {

bool serves_half(const Deployment& deployment, const RoutingBank& bank) {
  const PlacementSpec& placement = deployment.placement;
  return placement.by_load() && placement.profile == PlacementProfile::kHeldOut &&
         deployment.tokens.policy != TokenPolicy::kBalanced && deployment.plan.ep > 1 &&
         bank.sequences > 1;
}

std::vector<LayerPlacement> place_experts(const Deployment& deployment,
                                          const RoutingBank& profile) {
  const PlacementShape shape = placement_shape(deployment);
  std::vector<LayerPlacement> placement;
  const ExpertProfile unseen{
      ExpertCounts(static_cast<std::size_t>(profile.num_experts), 0), {}, {}};
  const bool by_load = deployment.placement.by_load();
  for (std::int64_t layer = 0; layer < profile.num_layers; ++layer) {
    placement.push_back(place_layer(deployment.placement, shape,
                                    by_load ? expert_profile(profile, layer) : unseen));
  }
  return placement;
}

}  // namespace

PlacedBank place_bank(const Deployment& deployment, const RoutingBank& bank) {
  if (!serves_half(deployment, bank)) return {bank, place_experts(deployment, bank)};
  return {bank_half(bank, BankHalf::kServed),
          place_experts(deployment, bank_half(bank, BankHalf::kProfile))};
}

DispatchGeometry dispatch_geometry(const Deployment& deployment, DispatchMode mode) {
  DispatchGeometry geometry;
  geometry.ranks = deployment.plan.stage_ranks();
  geometry.ranks_per_node = std::min(geometry.ranks, deployment.cluster.node.devices);
  geometry.tokens_travel = deployment.plan.dispatches_tokens();
  geometry.mode = mode;
  geometry.replicas = deployment.placement.replicas;
  return geometry;
}

Bytes dispatch_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode) {
  return dispatch_payload(moe.expert_input, moe.top_k, deployment.dtypes.dispatch, mode);
}

Bytes combine_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode) {
  return combine_payload(moe.expert_input, deployment.combine, mode);
}

Bytes expert_bytes(const LayerSpec& layer) {
  return Bytes(static_cast<double>(layer.moe->expert_params()) *
               layer.formats.routed.of("down").stored_bytes());
}

}  // namespace moesim
