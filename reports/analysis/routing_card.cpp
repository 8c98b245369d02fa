#include "reports/analysis/routing_card.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "models/router/draw/traffic.h"
#include "sim/deployment/expert_placement.h"

namespace moesim {
namespace {

using Counts = std::vector<double>;

constexpr std::array<std::pair<DispatchMode, const char*>, 4> kModes = {
    {{DispatchMode::kNormal, "normal"},
     {DispatchMode::kLowLatency, "low latency"},
     {DispatchMode::kAllGather, "all-gather"},
     {DispatchMode::kAllToAll, "all-to-all"}}};

Counts over_mean(Counts counts) {
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (!(sum > 0)) return counts;
  for (double& count : counts) count *= static_cast<double>(counts.size()) / sum;
  return counts;
}

// Token-expert pairs of each EP group if every replica of an expert takes its turn.
Counts group_pairs(const RoutingBank& bank, std::int64_t layer, const LayerPlacement& placement) {
  Counts pairs(static_cast<std::size_t>(placement.groups), 0);
  ReplicaTurns turns(placement);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    for (const std::uint16_t id : bank.token(layer, t)) {
      if (!turns.is_placed(id)) continue;
      pairs[static_cast<std::size_t>(placement.group_of_slot(turns.next(id)))] += 1;
    }
  }
  return pairs;
}

DispatchCost dispatch_cost(const Deployment& deployment, const RoutingBank& bank,
                           const std::vector<LayerPlacement>& placements, std::size_t mode) {
  const auto [dispatch, name] = kModes[mode];
  const DispatchGeometry geometry = dispatch_geometry(deployment, dispatch);
  const TrafficMatrix copies = rank_traffic(bank, placements, geometry, Bytes(1));
  const double layers = static_cast<double>(bank.num_layers);
  DispatchCost cost;
  cost.mode = name;
  for (std::int64_t from = 0; from < copies.ranks; ++from) {
    for (std::int64_t to = 0; to < copies.ranks; ++to) {
      const bool inside = geometry.node_of(from) == geometry.node_of(to);
      (inside ? cost.copies_inside_nodes : cost.copies_between_nodes) +=
          copies.at(from, to) / layers;
    }
  }
  const MoeSpec& moe = deployment.model.moe();
  const double all = cost.copies_inside_nodes + cost.copies_between_nodes;
  cost.dispatch = Bytes(all * dispatch_bytes(deployment, moe, dispatch).value());
  cost.combine = Bytes(all * combine_bytes(deployment, moe, dispatch).value());
  return cost;
}

Grid traffic_rows(const TrafficMatrix& matrix) {
  Grid rows;
  for (std::int64_t from = 0; from < matrix.ranks; ++from) {
    rows.emplace_back();
    for (std::int64_t to = 0; to < matrix.ranks; ++to) rows.back().push_back(matrix.at(from, to));
  }
  return rows;
}

ExpertSpread spread_experts(const Deployment& deployment, const RoutingBank& bank) {
  const auto [served, placements] = place_bank(deployment, bank);
  ExpertSpread spread;
  spread.ranks = deployment.plan.ep;
  spread.nodes = deployment.cluster.nodes;
  for (std::size_t layer = 0; layer < placements.size(); ++layer) {
    const auto l = static_cast<std::int64_t>(layer);
    spread.group_load.push_back(over_mean(group_pairs(served, l, placements[layer])));
    spread.overload.push_back(load_statistics(spread.group_load.back()).max_over_mean);
  }
  const double sum = std::accumulate(spread.overload.begin(), spread.overload.end(), 0.0);
  spread.mean_overload = sum / static_cast<double>(spread.overload.size());
  for (std::size_t mode = 0; mode < kModes.size(); ++mode)
    spread.costs.push_back(dispatch_cost(deployment, served, placements, mode));
  spread.dispatch_bytes = traffic_rows(
      rank_traffic(served, placements, dispatch_geometry(deployment, DispatchMode::kNormal),
                   dispatch_bytes(deployment, deployment.model.moe(), DispatchMode::kNormal)));
  return spread;
}

}  // namespace

RoutingCard make_routing_card(const Deployment& deployment, RoutingBank bank) {
  RoutingCard card;
  card.model = deployment.model;
  card.seed = deployment.seed;
  card.basis = routing_basis(deployment.model, deployment.tokens, bank.origin);
  for (const Counts& counts : expert_counts(bank)) {
    card.loads.push_back(load_statistics(counts));
    card.load.push_back(over_mean(counts));
  }
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    card.repeats.push_back(repeat_rates(bank, layer));
    card.coactivation.push_back(coactivation_gain(bank, layer));
  }
  if (deployment.plan.ep > 1) card.spread = spread_experts(deployment, bank);
  card.bank = std::move(bank);
  return card;
}

}  // namespace moesim
