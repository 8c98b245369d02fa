#include "scenarios/format/read_lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/format/keys/length_keys.h"

namespace moesim {
namespace {

using Length = std::function<std::int64_t(double)>;

std::optional<Length> read_lognormal(const Value& value) {
  auto reader = open_map(value, lognormal_keys());
  if (!reader) return std::nullopt;
  LognormalLength length;
  read_keys(*reader, lognormal_keys().keys, length);
  reader->done();
  if (length.mean == 0 || length.p99 == 0) return std::nullopt;
  const auto quantiles = lognormal(length.mean, length.p99);
  if (!quantiles) {
    reader->optional("p99")->fault(fmt::format("a p99 from the mean ({}) to {:.0f} expected",
                                               length.mean, greatest_p99(length.mean)));
    return std::nullopt;
  }
  return [tokens = *quantiles](double u) {
    return static_cast<std::int64_t>(
        std::clamp(std::round(tokens(u)), 1.0, static_cast<double>(kTokens.max)));
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
