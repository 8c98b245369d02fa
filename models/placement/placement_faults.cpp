#include <fmt/format.h>

#include "models/placement/placement.h"

namespace moesim {

std::vector<PlanFault> placement_faults(const PlacementSpec& placement, const ModelSpec& model,
                                        const ParallelPlan& plan, std::int64_t nodes) {
  std::vector<PlanFault> faults;
  if (!model.is_moe()) return faults;  // plan_faults() refuses the rest.
  const bool balances = placement.by_load() || placement.rebalance_steps > 0;
  const std::string redundant = std::to_string(placement.redundant_experts);
  if (placement.redundant_experts > 0 && !balances) {
    faults.push_back({"redundant_experts", redundant,
                      "must be 0 unless loads decide who gets a copy: policy eplb or coactivation, "
                      "or rebalance_steps above 0"});
  }
  if (placement.redundant_experts > 0 && placement.policy == PlacementPolicy::kRoundRobin) {
    faults.push_back({"redundant_experts", redundant, "must be 0 with policy round_robin"});
  }
  const std::int64_t router_groups = model.moe().router.num_groups;
  const PlacementShape shape{plan.ep, nodes, placement.redundant_experts, router_groups};
  if (placement.scope == EplbScope::kHierarchical && !shape.keeps_router_groups()) {
    faults.push_back({"scope", "hierarchical",
                      fmt::format("auto or global: hierarchical keeps each router group on one "
                                  "node, and {} router groups and {} EP groups cannot be shared "
                                  "out to {} nodes",
                                  router_groups, plan.ep, nodes)});
  }
  return faults;
}

}  // namespace moesim
