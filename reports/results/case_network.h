// What the network did in a case, as JSON and as a sentence.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sim/results/summary.h"

namespace moesim {

nlohmann::ordered_json to_json(const NetworkSummary& network);
NetworkSummary network_from_json(const nlohmann::ordered_json& json);

// The link with the fullest port while tokens are dispatched; null where they do not travel.
const LinkUse* fullest_link(const NetworkSummary& network);
// Share of the steps that ranks communicate in.
double communication_share(const CommunicationTimes& steps);

// "Communication takes 31 % of decode steps. While tokens are dispatched, the NIC of node 3, rail
// 5 is 93 % busy (receiving). Twice the bandwidth of ... shortens steps by ...". Empty where
// nothing communicates.
std::string network_sentence(const NetworkSummary& network);

}  // namespace moesim
