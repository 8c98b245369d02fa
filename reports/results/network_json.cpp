#include "reports/results/network_json.h"

#include <nlohmann/json.hpp>

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

template <class Visit>
void for_each_phase(const Visit& visit) {
  for (int p = 0; p < kNumPhases; ++p) {
    if (is_communication(static_cast<Phase>(p))) visit(static_cast<std::size_t>(p));
  }
}

Json times_json(const CommunicationTimes& times) {
  Json json;
  json["rank_s"] = times.total.value();
  for_each_phase([&](std::size_t p) {
    json[std::string(phase_name(static_cast<Phase>(p)))] = times.phases[p].value();
  });
  Json& runs = json["all_reduces"] = Json::object();
  for (std::size_t a = 1; a < kNumWords<AllReduce>; ++a)
    runs[kWords<AllReduce>.rows[a].word] = times.all_reduces[a];
  return json;
}

CommunicationTimes times_from_json(const Json& json) {
  CommunicationTimes times;
  times.total = Seconds(json.at("rank_s").get<double>());
  for_each_phase([&](std::size_t p) {
    const std::string name(phase_name(static_cast<Phase>(p)));
    times.phases[p] = Seconds(json.at(name).get<double>());
  });
  for (std::size_t a = 1; a < kNumWords<AllReduce>; ++a) {
    times.all_reduces[a] = json.at("all_reduces").at(kWords<AllReduce>.rows[a].word).get<double>();
  }
  return times;
}

Json link_json(const LinkUse& link) {
  return {{"class", link.name},
          {"ports", link.ports},
          {"bandwidth_bytes_per_s", link.bandwidth.value()},
          {"sent_bytes", link.sent_known ? Json(link.sent.value()) : Json(nullptr)},
          {"busy_share", link.busy_share},
          {"dispatch_busy_share", link.dispatch_busy_share},
          {"fullest_dispatch_busy_share", link.fullest_busy_share},
          {"fullest", link.fullest},
          {"fullest_receives", link.fullest_receives},
          {"energy_j", link.energy.value()},
          {"doubled_gain_share", link.doubled_gain ? Json(*link.doubled_gain) : Json(nullptr)}};
}

LinkUse link_from_json(const Json& json) {
  LinkUse link;
  link.name = json.at("class");
  link.ports = json.at("ports");
  link.bandwidth = BytesPerSecond(json.at("bandwidth_bytes_per_s").get<double>());
  link.sent_known = !json.at("sent_bytes").is_null();
  if (link.sent_known) link.sent = Bytes(json.at("sent_bytes").get<double>());
  link.busy_share = json.at("busy_share");
  link.dispatch_busy_share = json.at("dispatch_busy_share");
  link.fullest_busy_share = json.at("fullest_dispatch_busy_share");
  link.fullest = json.at("fullest");
  link.fullest_receives = json.at("fullest_receives");
  link.energy = Joules(json.at("energy_j").get<double>());
  const Json& gain = json.at("doubled_gain_share");
  if (!gain.is_null()) link.doubled_gain = gain.get<double>();
  return link;
}

}  // namespace

Json to_json(const NetworkSummary& network) {
  Json json;
  json["prompt_steps"] = times_json(network.prompt_steps);
  json["decode_steps"] = times_json(network.decode_steps);
  json["links"] = Json::array();
  for (const LinkUse& link : network.links) json["links"].push_back(link_json(link));
  return json;
}

NetworkSummary network_from_json(const Json& json) {
  NetworkSummary network;
  network.prompt_steps = times_from_json(json.at("prompt_steps"));
  network.decode_steps = times_from_json(json.at("decode_steps"));
  for (const Json& link : json.at("links")) network.links.push_back(link_from_json(link));
  return network;
}

}  // namespace moesim
