// Sums over MoE layers and steps of the work that the router gave to experts.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace moesim {

inline constexpr int kNumDispatchModes = 4;

struct RoutingTally {
  // Token-expert pairs of the fullest EP group and of the mean one.
  struct Layer {
    double fullest_pairs = 0;
    double mean_pairs = 0;
  };

  double decode_experts_hit = 0;   // Distinct experts in decode-only steps, ...
  std::int64_t decode_layers = 0;  // ... summed over this many layers.
  double fullest_pairs = 0;        // Of all layers.
  double mean_pairs = 0;
  double pairs = 0;           // Served.
  double dropped = 0;         // Beyond the capacity of their expert.
  std::vector<Layer> layers;  // [MoE layer of the model]
  std::array<std::int64_t, kNumDispatchModes> tokens_by_mode{};  // Where tokens travel.

  void add(const RoutingTally& other);
};

}  // namespace moesim
