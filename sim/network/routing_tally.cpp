#include "sim/network/routing_tally.h"

#include <algorithm>

namespace moesim {

void RoutingTally::add(const RoutingTally& other) {
  decode_experts_hit += other.decode_experts_hit;
  decode_layers += other.decode_layers;
  fullest_pairs += other.fullest_pairs;
  mean_pairs += other.mean_pairs;
  pairs += other.pairs;
  dropped += other.dropped;
  layers.resize(std::max(layers.size(), other.layers.size()));
  for (std::size_t i = 0; i < other.layers.size(); ++i) {
    layers[i].fullest_pairs += other.layers[i].fullest_pairs;
    layers[i].mean_pairs += other.layers[i].mean_pairs;
  }
  for (std::size_t m = 0; m < tokens_by_mode.size(); ++m) {
    tokens_by_mode[m] += other.tokens_by_mode[m];
  }
}

}  // namespace moesim
