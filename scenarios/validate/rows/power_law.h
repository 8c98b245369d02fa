// The skewed expert loads of published kernel tables (routing "power_law_1.2").
#pragma once

#include <vector>

#include "base/random.h"
#include "models/work/layer_work.h"

namespace moesim {

struct SkewedLayer {
  std::int64_t tokens = 1;
  std::int64_t top_k = 1;
  std::int64_t experts = 1;
  std::int64_t groups = 1;  // Ranks that the experts are split over, as evenly as possible.
  double exponent = 1.2;
};

// The fullest rank of one random layer. Popularity of an expert is a bounded Pareto variable,
//   x = (a + (b - a) u)^(1 / (1 - A)),  a = low^(1 - A), b = high^(1 - A)
//   low..high = 1..0.8 T if T k > E, else 0.01..2
// scaled to T k pairs in total and at most T per expert. Rounding errors are added to the most
// popular experts or taken from the least popular ones.
// Source: docs/physics.md, "Measured rows". Requires: exponent other than 1.
ExpertLoad fullest_rank(const SkewedLayer& layer, RandomStream& random);

}  // namespace moesim
