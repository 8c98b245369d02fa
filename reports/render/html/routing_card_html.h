// A router by itself as a page, in the style of a report.
#pragma once

#include <string>

#include "reports/analysis/routing_card.h"

namespace moesim {

// One page that needs nothing else: heat maps, tables, curves.
std::string routing_card_html(const RoutingCard& card);

}  // namespace moesim
