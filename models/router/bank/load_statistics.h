// How unevenly a bank's tokens load its experts.
#pragma once

#include <span>
#include <vector>

#include "models/router/bank/routing_bank.h"

namespace moesim {

// Tokens sent to each real expert: [layer][expert].
std::vector<std::vector<double>> expert_counts(const RoutingBank& bank);

// How unevenly the experts of one layer are loaded; all 0 without any load.
struct LoadStatistics {
  double max_over_mean = 0;  // 1 = balanced; MaxVio is this less 1.
  double gini = 0;           // 0 = balanced, 1 - 1/n = one expert has all.
  double cv = 0;             // Standard deviation over mean.
  double entropy = 0;        // -sum p ln p / ln n: 1 = balanced, 0 = one expert has all.
  double unused_share = 0;   // Experts with no token at all.
};
LoadStatistics load_statistics(std::span<const double> counts);

}  // namespace moesim
