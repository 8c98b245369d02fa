#include "sim/network/rebalancer.h"

#include <algorithm>

#include "models/placement/expert_moves.h"
#include "models/placement/group_matching.h"
#include "sim/deployment/expert_placement.h"

namespace moesim {

Rebalancer::Rebalancer(const Deployment& deployment, const RoutingBank& bank,
                       const BlockLayout& layout)
    : deployment_(deployment), bank_(bank), spec_(deployment.placement) {
  if (!spec_.by_load()) spec_.policy = PlacementPolicy::kEplb;
  const ParallelPlan& plan = deployment.plan;
  drawn_.assign(static_cast<std::size_t>(plan.replicas), DrawnTokens(bank.num_layers, layout));
  for (std::int64_t replica = 0; replica < plan.replicas; ++replica) {
    for (std::int64_t stage = 0; stage < plan.pp; ++stage) {
      current_.push_back(periods_.size());
      Watched& watched = periods_.emplace_back();
      watched.period.replica = replica;
      watched.period.stage = stage;
    }
  }
}

Rebalancer::Watched& Rebalancer::current(const Stage& stage) {
  return periods_[current_[stage.replica * deployment_.plan.pp + stage.index]];
}

bool Rebalancer::begin_step(const Stage& stage) {
  const bool is_due = current(stage).period.steps == spec_.rebalance_steps;
  if (!is_due) ++current(stage).period.steps;
  return is_due;
}

LayerPlacement Rebalancer::place(const Stage& stage, std::int64_t moe_layer,
                                 const LayerPlacement& before, const BlockLayout& layout) {
  DrawnTokens& drawn = drawn_[stage.replica];
  const std::vector<double> times = drawn.times(moe_layer, layout);
  drawn.clear(moe_layer);
  const ExpertProfile profile = expert_profile(bank_, moe_layer, times);
  const PlacementShape shape = placement_shape(deployment_);
  const LayerPlacement after = place_layer(spec_, shape, profile);
  const double gain = overload(before, profile.counts) / overload(after, profile.counts) - 1;
  if (spec_.rebalance_gain > 0 && gain < spec_.rebalance_gain) return before;
  return matched_groups(before, after, places_by_node(spec_, shape) ? shape.nodes : 1);
}

void Rebalancer::begin_period(const Stage& stage, const MovingCost& cost) {
  current_[stage.replica * deployment_.plan.pp + stage.index] = periods_.size();
  BalancePeriod& period = periods_.emplace_back().period;
  period.replica = stage.replica;
  period.stage = stage.index;
  period.steps = 1;
  period.moved = cost.copies;
  period.moved_bytes = cost.bytes;
  period.moving = cost.time;
}

void Rebalancer::count(const Stage& stage, std::int64_t moe_layer, const LayerLoad& load,
                       const BlockLayout& layout) {
  drawn_[stage.replica].add(moe_layer, load, layout);
  Watched& watched = current(stage);
  std::int64_t pairs = 0;
  for (const std::int32_t group : load.pairs) pairs += group;
  watched.fullest_pairs += *std::max_element(load.pairs.begin(), load.pairs.end());
  watched.mean_pairs += static_cast<double>(pairs) / static_cast<double>(load.pairs.size());
}

std::vector<BalancePeriod> Rebalancer::periods() const {
  std::vector<BalancePeriod> periods;
  for (const Watched& watched : periods_) {
    periods.push_back(watched.period);
    if (watched.mean_pairs > 0) {
      periods.back().overload = watched.fullest_pairs / watched.mean_pairs;
    }
  }
  return periods;
}

MovingCost moving_cost(const Deployment& deployment, const LayerSpec& layer, const CommGroup& ranks,
                       const LayerPlacement& before, const LayerPlacement& after,
                       PortLoads& loads) {
  const std::int64_t per_node = deployment.cluster.node.devices;
  const std::int64_t width = deployment.plan.moe_tp;
  for (auto* port :
       {&loads.scale_up_out, &loads.scale_up_in, &loads.scale_out_out, &loads.scale_out_in}) {
    port->assign(deployment.plan.stage_ranks(), 0.0);
  }
  const Bytes expert = expert_bytes(layer);
  const double share = expert.value() / static_cast<double>(width);
  const auto moves = expert_moves(before, after, std::max<std::int64_t>(1, per_node / width));
  for (const ExpertMove& move : moves) {
    for (std::int64_t i = 0; i < width; ++i) {
      const std::int64_t from = move.from * width + i, to = move.to * width + i;
      const bool inside = from / per_node == to / per_node;
      (inside ? loads.scale_up_out : loads.scale_out_out)[from] += share;
      (inside ? loads.scale_up_in : loads.scale_out_in)[to] += share;
    }
  }
  const auto copies = static_cast<std::int64_t>(moves.size());
  if (copies == 0) return {};
  return {copies, expert * static_cast<double>(copies), all_to_all(ranks, loads)};
}

}  // namespace moesim
