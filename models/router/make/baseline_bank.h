// Banks without any router: baselines to compare a router with.
#pragma once

#include <cstdint>

#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Each fills ids, origin and provenance of a bank whose sizes are set.

// Every expert equally often, and within a token at random: experts that follow one another by
// number would all lie on one rank or each on another, depending on the placement, and with them
// the traffic of dispatch. If the router keeps top_groups of its groups, so do the tokens here,
// with as many experts in each.
void fill_balanced(const RouterSpec& router, std::uint64_t seed, RoutingBank& bank);

// top_k distinct experts per token, all equally likely.
void fill_uniform(std::uint64_t seed, RoutingBank& bank);

// top_k distinct experts per token, drawn one after the other with weight (rank + 1)^-alpha; ranks
// are shuffled layer by layer.
void fill_power_law(double alpha, std::uint64_t seed, RoutingBank& bank);

}  // namespace moesim
