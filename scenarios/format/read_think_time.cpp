#include "scenarios/format/read_think_time.h"

#include <fmt/format.h>

#include <cmath>

#include "scenarios/format/draws.h"
#include "scenarios/format/keys/workload_keys.h"

namespace moesim {
namespace {

std::optional<QuantileFunction> read_lognormal(const Value& value) {
  auto reader = open_map(value, think_lognormal_keys());
  if (!reader) return std::nullopt;
  LognormalTime time;
  read_keys(*reader, think_lognormal_keys().keys, time);
  reader->done();
  if (time.mean == Seconds(0) || time.p99 == Seconds(0)) return std::nullopt;
  auto quantiles = lognormal(time.mean.value(), time.p99.value());
  if (!quantiles) {
    reader->optional("p99")->fault(fmt::format("a p99 from the mean ({:g} s) to {:.3g} s expected",
                                               time.mean.value(), greatest_p99(time.mean.value())));
  }
  return quantiles;
}

// 30 s, {exponential: 30 s} or {lognormal: {mean: 30 s, p99: 3 min}}.
std::optional<QuantileFunction> read_quantiles(const Value& value) {
  if (!value.is_map()) {
    const auto fixed = kThinkTime.read(value);
    if (!fixed) return std::nullopt;
    return [fixed](double) { return *fixed; };
  }
  MapReader reader(value);
  const auto exponential = reader.optional("exponential");
  const auto drawn = reader.optional("lognormal");
  reader.done();
  if (exponential.has_value() == drawn.has_value()) {
    value.fault("a time, or one of exponential, lognormal expected");
    return std::nullopt;
  }
  if (drawn) return read_lognormal(*drawn);
  const auto mean = kThinkTime.read(*exponential);
  if (!mean) return std::nullopt;
  return [mean](double u) { return -*mean * std::log1p(-u); };
}

}  // namespace

std::function<Seconds()> read_think_time(const Value& value, std::uint64_t seed) {
  auto time = read_quantiles(value);
  if (!time) return nullptr;
  return [time = *std::move(time), quantiles = Quantiles(seed, "think times")]() mutable {
    return Seconds(time(quantiles.next()));
  };
}

}  // namespace moesim
