#include "scenarios/format/read_quality.h"

#include <algorithm>

#include "scenarios/format/keys/quality_keys.h"

namespace moesim {
namespace {

void add_twin(const Value& value, std::vector<TwinMatch>& twins) {
  const auto match = kTwin.read(value);
  if (!match) return;
  if (std::find(twins.begin(), twins.end(), *match) != twins.end()) {
    value.fault("each twin once expected");
    return;
  }
  twins.push_back(*match);
}

}  // namespace

std::optional<TrainingTokens> read_quality(const Value& value) {
  TrainingTokens training{0, "the scenario's quality.training_tokens", "scenario"};
  read_map(value, quality_keys(), training);
  return training.tokens > 0 ? std::optional(training) : std::nullopt;
}

std::vector<TwinMatch> read_twins(const Value& value) {
  std::vector<TwinMatch> twins;
  if (value.is_scalar()) {
    add_twin(value, twins);
  } else {
    for (const Value& item : value.items()) add_twin(item, twins);
  }
  return twins;
}

std::optional<DemandResponse> read_demand(const Value& value) {
  DemandResponse response;
  const bool is_map = read_map(value, demand_keys(), response);
  return is_map ? std::optional(response) : std::nullopt;
}

}  // namespace moesim
