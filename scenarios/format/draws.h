// Numbers drawn one by one from stated distributions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/random.h"

namespace moesim {

// Quantiles in [0, 1), stratified: every 1,000 in turn take each of as many equally likely parts
// once, in random order. Few draws then have the spread of many: of n independent ones, a P99 is
// off by some 2.2/sqrt(n) to 4/sqrt(n).
// Source: McKay, Beckman and Conover, Technometrics 21 (1979).
class Quantiles {
 public:
  Quantiles(std::uint64_t seed, std::string_view name);
  double next();

 private:
  RandomStream random_;
  std::array<std::int32_t, 1000> parts_{};
  std::size_t next_ = 0;
};

using QuantileFunction = std::function<double(double)>;  // The value at a quantile in [0, 1).

// A log-normal distribution with a given mean and 99th percentile:
//   ln p99 - ln mean = z s - s^2 / 2   =>   s = z - sqrt(z^2 - 2 ln(p99 / mean)),   z = 2.326
// (the smaller root: the one that goes to 0 as p99 goes to the mean). Nothing unless p99 is from
// the mean to greatest_p99(mean). Requires: both above zero.
std::optional<QuantileFunction> lognormal(double mean, double p99);
double greatest_p99(double mean);

}  // namespace moesim
