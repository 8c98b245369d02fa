// What the network did in a case, as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sim/results/summary.h"

namespace moesim {

nlohmann::ordered_json to_json(const NetworkSummary& network);
NetworkSummary network_from_json(const nlohmann::ordered_json& json);

}  // namespace moesim
