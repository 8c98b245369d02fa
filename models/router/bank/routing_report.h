// Statistics of a RoutingBank beyond its loads, and a table of all of them for the terminal.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"

namespace moesim {

// How much of a token's choice the next token of its sequence repeats, averaged over a layer.
struct RepeatRates {
  double first = 0;    // Same first choice.
  double any = 0;      // At least one expert in common.
  double overlap = 0;  // Share of the next token's experts in common.
};
RepeatRates repeat_rates(const RoutingBank& bank, std::int64_t layer);

// Pairs of experts are chosen together more often than their popularity explains. Weight of the
// tenth of pairs that is most frequent in one half of the tokens, measured in the other half, over
// its expectation with the same popularity and independent choices; 1 = independent.
double coactivation_gain(const RoutingBank& bank, std::int64_t layer);

// How well a token's first expert in `layer` predicts its first expert in the next layer: for each
// expert, the most frequent follower in one half of the tokens, its share among the followers in
// the other half over its share of all tokens there; mean over tokens. 1 = not at all.
// Requires: layer + 1 < bank.num_layers.
double layer_affinity(const RoutingBank& bank, std::int64_t layer);

// A table of layers: max/mean load, Gini, CV, entropy, unused experts, repeat rates, co-activation;
// then provenance.
std::string routing_report(const RoutingBank& bank);

}  // namespace moesim
