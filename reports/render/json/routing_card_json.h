// A router by itself, for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "reports/analysis/routing_card.h"

namespace moesim {

// The numbers of routing_card_text() and more, units in the keys.
nlohmann::ordered_json routing_card_json(const RoutingCard& card);

}  // namespace moesim
