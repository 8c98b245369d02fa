#include "scenarios/sweep/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/random/sobol.hpp>
#include <charconv>
#include <cmath>
#include <functional>
#include <set>

#include "base/random.h"
#include "scenarios/format/keys/sweep_keys.h"
#include "scenarios/sweep/paths.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostTries = 20;  // For each point wanted, to find one that is new.
constexpr double kMostWhole = 1e15;

struct Amount {
  double number = 0;
  std::string unit;
};

std::optional<Amount> amount_of(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  Amount amount;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), amount.number);
  if (error != std::errc() || !std::isfinite(amount.number)) {
    value.fault("a number expected, with its unit if it has one, e.g. 4 or 8/s");
    return std::nullopt;
  }
  amount.unit = std::string(end, text->data() + text->size());
  return amount;
}

bool is_whole(double number) {
  return std::floor(number) == number && std::abs(number) <= kMostWhole;
}

void read_range(const Value& value, SampledPath& path) {
  MapReader reader(value);
  SampledRange range;
  read_keys(reader, range_keys().keys, range);
  reader.done();
  const auto from_value = reader.optional("from");
  const auto to_value = reader.optional("to");
  const auto from = range.from.empty() ? std::nullopt : amount_of(*from_value);
  const auto to = range.to.empty() ? std::nullopt : amount_of(*to_value);
  const bool whole = from && to && is_whole(from->number) && is_whole(to->number);
  path.log = range.log;
  path.integer = range.integer.value_or(whole && from->unit.empty() && to->unit.empty());
  if (!from || !to) return;
  if (from->unit != to->unit) to_value->fault("the unit of \"from\" expected");
  if (from->number >= to->number) to_value->fault("a number above \"from\" expected");
  if (path.log && from->number <= 0) from_value->fault("a number above 0 expected with log");
  if (path.integer && !whole) value.fault("whole numbers expected with integer", "other numbers");
  path.from = from->number;
  path.to = to->number;
  path.unit = from->unit;
}

SampledPath read_path(const std::string& name, const Value& value) {
  SampledPath path;
  path.path = name;
  path.line = value.line();
  if (value.is_map()) {
    read_range(value, path);
    return path;
  }
  if (!value.is_list() || value.node().size() == 0) {
    value.fault("a range such as {from: 1, to: 64}, or a list to choose from, expected");
    return path;
  }
  for (const Value& item : value.items()) path.choices.push_back(value_text(item.node()));
  return path;
}

// Calls `draw` with the quantiles of one point after the other until it has had enough.
void sobol_points(std::size_t dimensions, const std::function<bool(std::vector<double>)>& draw) {
  boost::random::sobol_engine<std::uint64_t, 64> sequence(dimensions);
  std::vector<double> point(dimensions);
  do {
    for (double& u : point) u = static_cast<double>(sequence() >> 11) * 0x1.0p-53;
  } while (draw(point));
}

void random_points(std::size_t dimensions, std::uint64_t seed,
                   const std::function<bool(std::vector<double>)>& draw) {
  RandomStream stream(seed, "sweep");
  std::vector<double> point(dimensions);
  do {
    for (double& u : point) u = stream.uniform();
  } while (draw(point));
}

}  // namespace

// Whole: from + floor(u (to - from + 1)); of the logarithm: floor(from ((to + 1)/from)^u).
// Else from + u (to - from), or from (to/from)^u.
std::string SampledPath::value(double u) const {
  if (!choices.empty()) {
    return choices[static_cast<std::size_t>(u * static_cast<double>(choices.size()))];
  }
  const double end = integer ? to + 1 : to;
  const double real = log ? from * std::pow(end / from, u) : from + u * (end - from);
  if (!integer) return fmt::format("{:.6g}{}", real, unit);
  return fmt::format("{:.0f}{}", std::clamp(std::floor(real), from, to), unit);
}

SamplePlan read_sample_plan(const Value& value) {
  SamplePlan plan;
  if (!value.is_map()) {
    value.fault("a map such as {sobol: 100, moe.model.top_k: {from: 1, to: 64}} expected");
    return plan;
  }
  int methods = 0;
  for (const auto& [key, entry] : value.entries()) {
    if (key != kSobol && key != kRandom) {
      plan.paths.push_back(read_path(key, entry));
      continue;
    }
    ++methods;
    plan.sobol = key == kSobol;
    plan.count = kSamples.read(entry).value_or(0);
  }
  if (methods != 1) value.fault("either sobol or random expected, with the number of points");
  if (plan.paths.empty()) value.fault("at least one path with a range expected");
  return plan;
}

std::vector<std::vector<std::string>> draw_samples(const SamplePlan& plan, std::uint64_t seed) {
  std::vector<std::vector<std::string>> samples;
  std::set<std::vector<std::string>> seen;
  std::int64_t tries = kMostTries * plan.count;
  const auto draw = [&](const std::vector<double>& quantiles) {
    std::vector<std::string> point;
    for (std::size_t p = 0; p < plan.paths.size(); ++p) {
      point.push_back(plan.paths[p].value(quantiles[p]));
    }
    if (seen.insert(point).second) samples.push_back(std::move(point));
    return std::ssize(samples) < plan.count && --tries > 0;
  };
  if (plan.sobol) {
    sobol_points(plan.paths.size(), draw);
  } else {
    random_points(plan.paths.size(), seed, draw);
  }
  return samples;
}

}  // namespace moesim
