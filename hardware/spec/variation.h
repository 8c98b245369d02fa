// Monte Carlo samples of a prediction: in each, every uncertain number of the profiles is drawn
// within its range.
#pragma once

#include <cstdint>
#include <string_view>

namespace moesim {

// One of `samples` samples; sample 0 takes every number as it is stated. The samples form a Latin
// hypercube: over samples 1 to `samples`, every number takes each of as many equally likely parts
// of its range once. The value in a sample depends on the number's path alone, so that all cases
// that use the number share its error.
struct Variation {
  std::uint64_t seed = 0;
  std::int64_t sample = 0;
  std::int64_t samples = 0;

  bool as_stated() const { return sample == 0; }
  // Requires: 1 <= sample <= samples.
  double quantile(std::string_view path) const;
};

// A range around a stated value; the value is the most likely one.
struct NumberRange {
  double low = 0;
  double high = 0;
};

// Quantile q of the triangular distribution over [low, high] with its peak at `value`:
//   with c = (value - low)/(high - low):  low + sqrt(q (high - low)(value - low))     for q <= c,
//                                         high - sqrt((1-q)(high - low)(high - value)) otherwise.
// Requires: low <= value <= high; 0 <= q <= 1.
double triangular_quantile(double value, NumberRange range, double q);

}  // namespace moesim
