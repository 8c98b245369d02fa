#include "reports/render/html/routing_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "models/router/draw/traffic.h"
#include "reports/render/format.h"
#include "reports/results/case_routing.h"
#include "sim/deployment/expert_placement.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;
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

Json layer_json(const RoutingCard& card, std::size_t layer) {
  const LoadStatistics& load = card.loads[layer];
  const RepeatRates& repeats = card.repeats[layer];
  Json json = {{"layer", layer},
               {"load_max_over_mean", load.max_over_mean},
               {"load_gini", load.gini},
               {"load_cv", load.cv},
               {"load_entropy", load.entropy},
               {"unused_experts_share", load.unused_share},
               {"repeat_first_share", repeats.first},
               {"repeat_any_share", repeats.any},
               {"repeat_overlap_share", repeats.overlap},
               {"coactivation_gain", card.coactivation[layer]}};
  if (card.spread) json["ep_overload"] = card.spread->overload[layer];
  return json;
}

Json spread_json(const ExpertSpread& spread) {
  Json json = {{"ranks", spread.ranks},
               {"nodes", spread.nodes},
               {"overload_mean", spread.mean_overload},
               {"dispatch", Json::array()},
               {"group_load", spread.group_load},
               {"dispatch_bytes_per_token", spread.dispatch_bytes}};
  for (const DispatchCost& cost : spread.costs)
    json["dispatch"].push_back({{"mode", cost.mode},
                                {"copies_inside_nodes", cost.copies_inside_nodes},
                                {"copies_between_nodes", cost.copies_between_nodes},
                                {"dispatch_bytes", cost.dispatch.value()},
                                {"combine_bytes", cost.combine.value()}});
  return json;
}

std::string spread_text(const ExpertSpread& spread) {
  std::string text = fmt::format(
      "\n{} ranks on {} nodes: fullest EP group over the mean {:.3f} (mean over layers)\n"
      "per token and layer    copies inside nodes  between nodes     dispatch      combine\n",
      spread.ranks, spread.nodes, spread.mean_overload);
  for (const DispatchCost& cost : spread.costs)
    text += fmt::format("{:21}  {:19.2f}  {:13.2f}  {:>11}  {:>11}\n", cost.mode,
                        cost.copies_inside_nodes, cost.copies_between_nodes,
                        readable(cost.dispatch.value(), "B"), readable(cost.combine.value(), "B"));
  return text;
}

std::string training_text(const std::vector<TrainingPoint>& training) {
  std::string text = "\nstep of the training  max/mean   gini  dead experts  task loss\n";
  const std::size_t stride = std::max<std::size_t>(1, training.size() / 10);
  for (std::size_t i = 0; i < training.size(); ++i) {
    if ((i + 1) % stride != 0 && i + 1 != training.size()) continue;
    const TrainingPoint& point = training[i];
    text += fmt::format("{:20}  {:8.2f}  {:5.3f}  {:12}  {:9.3f}\n", point.step,
                        point.max_over_mean, point.gini, point.dead_experts, point.task_loss);
  }
  return text;
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

std::string routing_card_text(const RoutingCard& card) {
  std::string text = routing_report(card.bank);
  if (card.spread) text += spread_text(*card.spread);
  if (!card.bank.training.empty()) text += training_text(card.bank.training);
  return text;
}

Json routing_card_json(const RoutingCard& card) {
  const RoutingBank& bank = card.bank;
  Json json = {{"model", card.model.name},
               {"seed", card.seed},
               {"basis", card.basis},
               {"provenance", bank.provenance},
               {"tokens", bank.num_tokens()},
               {"sequences", bank.sequences},
               {"sequence_tokens", bank.sequence_tokens},
               {"moe_layers", bank.num_layers},
               {"experts", bank.num_experts},
               {"zero_experts", card.model.moe().router.num_zero_experts},
               {"top_k", bank.top_k},
               {"layers", Json::array()}};
  for (std::size_t layer = 0; layer < card.loads.size(); ++layer)
    json["layers"].push_back(layer_json(card, layer));
  json["expert_load"] = card.load;
  if (card.spread) json["expert_parallel"] = spread_json(*card.spread);
  json["training"] = to_json(bank.training);
  return json;
}

}  // namespace moesim
