#include "reports/results/case_routing.h"

#include <array>
#include <stdexcept>
#include <utility>

#include "models/router/tokens/calibration.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, const char*>, 7> kBases = {
    {{"recorded", "ids that a real engine recorded"},
     {"drawn from counts",
      "recorded counts per expert; the tokens themselves were drawn from them"},
     {"real gates", "generated tokens through the gates of the real checkpoint"},
     {"trained", "generated tokens with the loads of a gate trained in miniature for this case"},
     {"calibrated", "generated tokens, calibrated on published statistics of this model"},
     {"assumption",
      "generated tokens; this model has no published routing statistics, so its "
      "calibration is a stated default"},
     {"baseline", "no router at all"}}};

Json layer_json(const LayerRouting& layer) {
  return {{"load_max_over_mean", layer.max_over_mean},
          {"load_gini", layer.gini},
          {"load_cv", layer.cv},
          {"load_entropy", layer.entropy},
          {"ep_overload", layer.overload}};
}

LayerRouting layer_from_json(const Json& json) {
  return {json.at("load_max_over_mean"), json.at("load_gini"), json.at("load_cv"),
          json.at("load_entropy"), json.at("ep_overload")};
}

Json period_json(const BalancePeriod& period) {
  return {{"replica", period.replica},
          {"stage", period.stage},
          {"steps", period.steps},
          {"ep_overload", period.overload},
          {"moved_experts", period.moved},
          {"moved_bytes", period.moved_bytes.value()},
          {"moving_s", period.moving.value()}};
}

BalancePeriod period_from_json(const Json& json) {
  BalancePeriod period;
  period.replica = json.at("replica");
  period.stage = json.at("stage");
  period.steps = json.at("steps");
  period.overload = json.at("ep_overload");
  period.moved = json.at("moved_experts");
  period.moved_bytes = Bytes(json.at("moved_bytes").get<double>());
  period.moving = Seconds(json.at("moving_s").get<double>());
  return period;
}

TrainingPoint training_from_json(const Json& json) {
  return {json.at("step"), json.at("load_max_over_mean"), json.at("load_gini"),
          json.at("dead_experts"), json.at("task_loss")};
}

}  // namespace

std::string routing_basis(const ModelSpec& model, const TokenSource& source, RoutingOrigin origin) {
  switch (origin) {
    case RoutingOrigin::kRecorded:
      return "recorded";
    case RoutingOrigin::kDrawnFromCounts:
      return "drawn from counts";
    case RoutingOrigin::kBaseline:
      return "baseline";
    case RoutingOrigin::kGenerated:
      break;
  }
  if (source.policy == TokenPolicy::kTrained) return "trained";
  if (!source.gate.empty()) return "real gates";
  return routing_calibration(model).provenance;
}

std::string basis_meaning(const std::string& basis) {
  for (const auto& [name, meaning] : kBases)
    if (basis == name) return meaning;
  throw std::logic_error("no routing basis " + basis);
}

Json to_json(const std::vector<TrainingPoint>& training) {
  Json json = Json::array();
  for (const TrainingPoint& point : training)
    json.push_back({{"step", point.step},
                    {"load_max_over_mean", point.max_over_mean},
                    {"load_gini", point.gini},
                    {"dead_experts", point.dead_experts},
                    {"task_loss", point.task_loss}});
  return json;
}

Json to_json(const CaseRouting& routing) {
  Json json;
  json["basis"] = routing.basis;
  json["provenance"] = routing.provenance;
  json["expert_load"] = routing.load;
  json["layers"] = Json::array();
  for (const LayerRouting& layer : routing.layers) json["layers"].push_back(layer_json(layer));
  json["dispatch_bytes_per_token"] = routing.dispatch_bytes;
  json["rebalancing"] = Json::array();
  for (const BalancePeriod& period : routing.periods)
    json["rebalancing"].push_back(period_json(period));
  json["training"] = to_json(routing.training);
  return json;
}

CaseRouting case_routing_from_json(const Json& json) {
  using Grid = std::vector<std::vector<double>>;
  CaseRouting routing;
  routing.basis = json.at("basis");
  routing.provenance = json.at("provenance");
  routing.load = json.at("expert_load").get<Grid>();
  for (const Json& layer : json.at("layers")) routing.layers.push_back(layer_from_json(layer));
  routing.dispatch_bytes = json.at("dispatch_bytes_per_token").get<Grid>();
  for (const Json& period : json.at("rebalancing"))
    routing.periods.push_back(period_from_json(period));
  for (const Json& point : json.at("training"))
    routing.training.push_back(training_from_json(point));
  return routing;
}

}  // namespace moesim
