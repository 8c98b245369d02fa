#include "base/percentile.h"

#include <algorithm>
#include <cmath>

namespace moesim {

double percentile(std::span<const double> sorted, double percent) {
  const double place = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - std::floor(place));
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return percentile(values, 50);
}

}  // namespace moesim
