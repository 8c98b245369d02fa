// `workload.lengths` of a scenario: the lengths of requests, drawn one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/document.h"
#include "base/random.h"
#include "sim/deployment/workload.h"

namespace moesim {

// Quantiles in [0, 1), stratified: every 1,000 in turn take each of as many equally likely parts
// once, in random order. Few requests then have the lengths of many: of n independent ones, a P99
// is off by some 2.2/sqrt(n) to 4/sqrt(n).
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

// Draws requests: input and output lengths from streams of their own. A copy goes on from where the
// original is.
class LengthSource {
 public:
  // Faults go to the value's collector.
  LengthSource(const std::optional<Value>& value, std::uint64_t seed);
  Request next(Seconds arrival);

 private:
  using Length = std::function<std::int64_t(double)>;  // Tokens at a quantile.

  Quantiles input_quantiles_, output_quantiles_;
  Length input_, output_;  // Null after a fault.
};

}  // namespace moesim
