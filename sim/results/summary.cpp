#include "sim/results/summary.h"

#include <algorithm>
#include <numeric>

#include "base/percentile.h"

namespace moesim {

Percentiles percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {sum / static_cast<double>(values.size()), percentile(values, 50), percentile(values, 90),
          percentile(values, 99)};
}

std::vector<double> quantile_curve(std::vector<double> values) {
  std::vector<double> curve;
  if (values.empty()) return curve;
  std::sort(values.begin(), values.end());
  for (int percent = 0; percent <= 100; ++percent) {
    curve.push_back(percentile(values, percent));
  }
  return curve;
}

}  // namespace moesim
