#include "scenarios/format/read_lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numeric>
#include <utility>

#include "scenarios/format/keys/length_keys.h"

namespace moesim {
namespace {

constexpr double kNormalQuantile99 = 2.3263478740408408;

using Length = std::function<std::int64_t(double)>;

// A log-normal length with a given mean and 99th percentile:
//   ln p99 - ln mean = z s - s^2 / 2   =>   s = z - sqrt(z^2 - 2 ln(p99 / mean)),   z = 2.326
// (the smaller root: the one that goes to 0 as p99 goes to the mean).
std::optional<Length> read_lognormal(const Value& value) {
  auto reader = open_map(value, lognormal_keys());
  if (!reader) return std::nullopt;
  LognormalLength length;
  read_keys(*reader, lognormal_keys().keys, length);
  reader->done();
  if (length.mean == 0 || length.p99 == 0) return std::nullopt;
  const double log_ratio = std::log(length.p99 / length.mean);
  const double discriminant = kNormalQuantile99 * kNormalQuantile99 - 2 * log_ratio;
  if (log_ratio < 0 || discriminant < 0) {
    reader->optional("p99")->fault(
        fmt::format("a p99 from the mean ({}) to {:.0f} expected", length.mean,
                    length.mean * std::exp(kNormalQuantile99 * kNormalQuantile99 / 2)));
    return std::nullopt;
  }
  const double sigma = kNormalQuantile99 - std::sqrt(discriminant);
  const double mu = std::log(length.mean) - sigma * sigma / 2;
  return [mu, sigma](double u) {
    const double z = std::sqrt(2.0) * boost::math::erf_inv(2 * std::max(u, 0x1.0p-53) - 1);
    const double tokens = std::round(std::exp(mu + sigma * z));
    return static_cast<std::int64_t>(std::clamp(tokens, 1.0, static_cast<double>(kTokens.max)));
  };
}

std::optional<Length> read_uniform(const Value& value) {
  auto reader = open_map(value, uniform_keys());
  if (!reader) return std::nullopt;
  UniformLength length;
  read_keys(*reader, uniform_keys().keys, length);
  reader->done();
  if (length.min == 0 || length.max == 0) return std::nullopt;
  if (length.max < length.min) {
    reader->optional("max")->integer(length.min, kTokens.max);
    return std::nullopt;
  }
  return [length](double u) {
    const auto lengths = static_cast<double>(length.max - length.min + 1);
    return length.min + static_cast<std::int64_t>(u * lengths);
  };
}

// 1024, {lognormal: {mean, p99}} or {uniform: {min, max}}.
std::optional<Length> read_length(const Value& value) {
  if (!value.is_map()) {
    const auto fixed = kTokens.read(value);
    if (!fixed) return std::nullopt;
    return [fixed](double) { return *fixed; };
  }
  MapReader reader(value);
  const auto lognormal = reader.optional("lognormal");
  const auto uniform = reader.optional("uniform");
  reader.done();
  if (lognormal.has_value() == uniform.has_value()) {
    value.fault("a number of tokens, or one of lognormal, uniform expected");
    return std::nullopt;
  }
  return lognormal ? read_lognormal(*lognormal) : read_uniform(*uniform);
}

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

LengthSource::LengthSource(const std::optional<Value>& value, std::uint64_t seed)
    : input_quantiles_(seed, "input lengths"), output_quantiles_(seed, "output lengths") {
  if (!value) return;
  const form::Map& map = length_map();
  if (!value->is_map()) {
    value->fault(form::allowed_text(map));
    return;
  }
  MapReader reader(*value);
  const auto input = value_of(reader, map.keys[0]);
  const auto output = value_of(reader, map.keys[1]);
  reader.done();
  if (input) input_ = read_length(*input).value_or(nullptr);
  if (output) output_ = read_length(*output).value_or(nullptr);
}

Request LengthSource::next(Seconds arrival) {
  if (!input_ || !output_) return {arrival, 1, 1};  // A fault was reported; nothing will run.
  return {arrival, input_(input_quantiles_.next()), output_(output_quantiles_.next())};
}

}  // namespace moesim
