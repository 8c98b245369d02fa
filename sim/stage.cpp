#include "sim/stage.h"

#include <fmt/format.h>

namespace moesim {

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
          .random =
              RandomStream(deployment.seed + static_cast<std::uint64_t>(deployment.sample),
                           fmt::format("experts of {}replica {} stage {}", pool, replica, index))};
}

}  // namespace moesim
