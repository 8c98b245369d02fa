#include "sim/results/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moesim {

namespace {

// Nearest rank: the ceil(share * n)-th smallest value. Requires: sorted, not empty.
double nearest_rank(const std::vector<double>& sorted, double share) {
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto index = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace

Percentiles percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {sum / static_cast<double>(values.size()), nearest_rank(values, 0.50),
          nearest_rank(values, 0.90), nearest_rank(values, 0.99)};
}

std::vector<double> quantile_curve(std::vector<double> values) {
  std::vector<double> curve;
  if (values.empty()) return curve;
  std::sort(values.begin(), values.end());
  for (int percent = 0; percent <= 100; ++percent) {
    curve.push_back(nearest_rank(values, percent / 100.0));
  }
  return curve;
}

}  // namespace moesim
