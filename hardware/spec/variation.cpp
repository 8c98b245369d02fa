#include "hardware/spec/variation.h"

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"

namespace moesim {

double Variation::quantile(std::string_view path) const {
  std::vector<std::int64_t> parts(static_cast<std::size_t>(samples));
  std::iota(parts.begin(), parts.end(), std::int64_t{0});
  RandomStream stream(seed, path);
  for (std::size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[stream.below(i)]);
  const double part = static_cast<double>(parts[static_cast<std::size_t>(sample - 1)]);
  return (part + 0.5) / static_cast<double>(samples);
}

double triangular_quantile(double value, NumberRange range, double q) {
  const double width = range.high - range.low;
  if (!(width > 0)) return value;
  const double below = value - range.low, above = range.high - value;
  if (q * width <= below) return range.low + std::sqrt(q * width * below);
  return range.high - std::sqrt((1 - q) * width * above);
}

}  // namespace moesim
