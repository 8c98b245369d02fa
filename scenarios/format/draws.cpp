#include "scenarios/format/draws.h"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numeric>
#include <utility>

namespace moesim {

namespace {

constexpr double kNormalQuantile99 = 2.3263478740408408;

}  // namespace

Quantiles::Quantiles(std::uint64_t seed, std::string_view name) : random_(seed, name) {
  std::iota(parts_.begin(), parts_.end(), 0);
}

// Shuffles the next part to its place whenever it is needed (Fisher and Yates).
double Quantiles::next() {
  if (next_ == parts_.size()) next_ = 0;
  std::swap(parts_[next_], parts_[next_ + random_.below(parts_.size() - next_)]);
  return (parts_[next_++] + random_.uniform()) / static_cast<double>(parts_.size());
}

std::optional<QuantileFunction> lognormal(double mean, double p99) {
  const double log_ratio = std::log(p99 / mean);
  const double discriminant = kNormalQuantile99 * kNormalQuantile99 - 2 * log_ratio;
  if (log_ratio < 0 || discriminant < 0) return std::nullopt;
  const double sigma = kNormalQuantile99 - std::sqrt(discriminant);
  const double mu = std::log(mean) - sigma * sigma / 2;
  return [mu, sigma](double u) {
    const double z = std::sqrt(2.0) * boost::math::erf_inv(2 * std::max(u, 0x1.0p-53) - 1);
    return std::exp(mu + sigma * z);
  };
}

double greatest_p99(double mean) {
  return mean * std::exp(kNormalQuantile99 * kNormalQuantile99 / 2);
}

}  // namespace moesim
