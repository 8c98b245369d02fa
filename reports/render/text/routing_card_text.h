// A router by itself, for a terminal.
#pragma once

#include <string>

#include "reports/analysis/routing_card.h"

namespace moesim {

// Tables.
std::string routing_card_text(const RoutingCard& card);

}  // namespace moesim
