// One point of the history of a gate's training.
#pragma once

#include <cstdint>

namespace moesim {

// Load and loss over a window of steps ending at `step`. Load is the load that the gate asks for,
// before any capacity, over the routed experts.
struct TrainingPoint {
  std::int64_t step = 0;
  double max_over_mean = 0;
  double gini = 0;
  std::int64_t dead_experts = 0;  // Below 1 % of the mean load.
  double task_loss = 0;           // Mean of half the squared error of the layer's output.
};

}  // namespace moesim
