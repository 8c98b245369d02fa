// What a scenario says of the demand for tokens.
#pragma once

#include <string>

namespace moesim {

// How demand answers to the price of a token.
struct DemandResponse {
  double elasticity = 0;  // Percent more tokens for a percent lower price; 0 = none.
  std::string reference;  // Case whose price the scenario's traffic belongs to; empty = the first.
};

}  // namespace moesim
