#include "sim/network/stage.h"

#include <fmt/format.h>

#include <algorithm>

namespace moesim {

namespace {

// Whether any pair of the group sends through these links of the fabric.
bool talk_through_fabric(const DownLink& link, const DeviceSpan& group) {
  for (std::int64_t from = group.first; from < group.first + group.count; ++from) {
    for (std::int64_t to = group.first; to < group.first + group.count; ++to) {
      if (link.links->pass(from, to, link.ports)) return true;
    }
  }
  return false;
}

// Whether the members of a group, all of which send to each other, use a link.
bool talk_through(const DownLink& link, const DeviceSpan& group, std::int64_t per_node) {
  if (group.count < 2 || !link.devices.overlaps(group)) return false;
  if (link.part == FaultPart::kFabric) return talk_through_fabric(link, group);
  const std::int64_t node = link.devices.first / per_node;
  const DeviceSpan inside{node * per_node, per_node};
  const std::int64_t first = std::max(group.first, inside.first);
  const std::int64_t last = std::min(group.first + group.count, inside.first + per_node);
  return link.part == FaultPart::kNic ? last - first < group.count : last - first > 1;
}

}  // namespace

Stage make_stage(const Deployment& deployment, std::int64_t replica, std::int64_t index) {
  const ParallelPlan& plan = deployment.plan;
  const auto num_layers = static_cast<std::int64_t>(deployment.model.layers.size());
  const LayerRange layers = stage_layers(num_layers, plan.pp, index);
  const std::int64_t device =
      deployment.first_device + replica * plan.replica_ranks() + index * plan.stage_ranks();
  const char* pool = deployment.role == PoolRole::kPrefill ? "prefill " : "";
  std::int64_t moe_before = 0, moe_here = 0;
  for (std::int64_t layer = 0; layer < layers.last; ++layer) {
    if (!deployment.model.layers[layer].moe) continue;
    ++(layer < layers.first ? moe_before : moe_here);
  }
  return {.replica = replica,
          .index = index,
          .first_device = device,
          .layers = layers,
          .first_moe_layer = moe_before,
          .moe_layers = moe_here,
          .is_first = index == 0,
          .is_last = index == plan.pp - 1,
          .collectives = StageCollectives(deployment, device),
          .slowness = {},
          .random =
              RandomStream(deployment.seed + static_cast<std::uint64_t>(deployment.sample),
                           fmt::format("experts of {}replica {} stage {}", pool, replica, index))};
}

void apply(const Conditions& conditions, const Deployment& deployment, Stage& stage) {
  const std::int64_t ranks = deployment.plan.stage_ranks();
  stage.collectives = StageCollectives(deployment, stage.first_device, conditions.links);
  stage.slowness.clear();
  for (const auto& [device, speed] : conditions.devices) {
    if (!DeviceSpan{stage.first_device, ranks}.contains(device)) continue;
    stage.slowness.resize(static_cast<std::size_t>(ranks), 1);
    stage.slowness[static_cast<std::size_t>(device - stage.first_device)] = 1 / speed;
  }
}

bool step_needs(const DownLink& link, const Deployment& deployment, const Stage& stage) {
  const ParallelPlan& plan = deployment.plan;
  const std::int64_t per_node = deployment.cluster.node.devices;
  const DeviceSpan all{stage.first_device, plan.stage_ranks()};
  const bool exchanges =
      stage.moe_layers > 0 && (plan.dispatches_tokens() || plan.attention_dp > 1);
  if (exchanges && talk_through(link, all, per_node)) return true;
  for (std::int64_t d = 0; d < plan.attention_dp; ++d) {
    if (talk_through(link, {stage.first_device + d * plan.tp, plan.tp}, per_node)) return true;
  }
  return false;
}

bool transfer_needs(const DownLink& link, const Deployment& deployment, const Stage& from,
                    const Stage& to) {
  const std::int64_t per_node = deployment.cluster.node.devices;
  for (std::int64_t r = 0; r < deployment.plan.stage_ranks(); ++r) {
    const std::int64_t sender = from.first_device + r, receiver = to.first_device + r;
    if (link.part == FaultPart::kFabric) {
      if (link.links->pass(sender, receiver, link.ports)) return true;
      continue;
    }
    const bool across = sender / per_node != receiver / per_node;
    const bool touches = link.devices.contains(sender) || link.devices.contains(receiver);
    if (touches && across == (link.part == FaultPart::kNic)) return true;
  }
  return false;
}

}  // namespace moesim
