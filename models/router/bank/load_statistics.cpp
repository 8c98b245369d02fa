#include "models/router/bank/load_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moesim {

std::vector<std::vector<double>> expert_counts(const RoutingBank& bank) {
  std::vector<std::vector<double>> counts;
  const std::int64_t layer_size = bank.num_tokens() * bank.top_k;
  for (auto id = bank.ids.begin(); id != bank.ids.end(); id += layer_size) {
    std::vector<std::int64_t> seen(std::numeric_limits<std::uint16_t>::max() + 1, 0);
    std::for_each(id, id + layer_size, [&](std::uint16_t expert) { ++seen[expert]; });
    counts.emplace_back(seen.begin(), seen.begin() + bank.num_experts);
  }
  return counts;
}

// With counts rising, x_1 <= ... <= x_n: Gini = sum_i (2 i - n - 1) x_i / (n sum x),
// CV^2 = n sum x^2 / (sum x)^2 - 1.
LoadStatistics load_statistics(std::span<const double> counts) {
  LoadStatistics statistics;
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (sum <= 0) {
    statistics.unused_share = counts.empty() ? 0.0 : 1.0;
    return statistics;
  }
  std::vector<double> rising(counts.begin(), counts.end());
  std::sort(rising.begin(), rising.end());
  const auto n = static_cast<double>(rising.size());
  double weighted = 0;
  double squares = 0;
  double nats = 0;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    weighted += (2 * (static_cast<double>(i) + 1) - n - 1) * rising[i];
    const double share = rising[i] / sum;
    squares += share * share;
    if (share > 0) nats -= share * std::log(share);
  }
  statistics.max_over_mean = rising.back() * n / sum;
  statistics.gini = weighted / (n * sum);
  statistics.cv = std::sqrt(std::max(0.0, n * squares - 1));
  statistics.entropy = n > 1 ? nats / std::log(n) : 1.0;
  statistics.unused_share = static_cast<double>(std::count(rising.begin(), rising.end(), 0.0)) / n;
  return statistics;
}

}  // namespace moesim
