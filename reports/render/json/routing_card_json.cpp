#include "reports/render/json/routing_card_json.h"

#include <nlohmann/json.hpp>

#include "reports/results/case_report_json.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

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
