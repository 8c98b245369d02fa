#include "scenarios/format/read_quality.h"

#include <algorithm>

#include "scenarios/format/read_value.h"

namespace moesim {
namespace {

constexpr double kFewestTokens = 1e6;
constexpr double kMostTokens = 1e15;
constexpr double kMostElastic = 5;

void add_twin(const Value& value, std::vector<TwinMatch>& twins) {
  const auto match = value.word<TwinMatch>();
  if (!match) return;
  if (std::find(twins.begin(), twins.end(), *match) != twins.end()) {
    value.fault("each twin once expected");
    return;
  }
  twins.push_back(*match);
}

}  // namespace

std::optional<TrainingTokens> read_quality(MapReader& reader) {
  const auto value = reader.optional("quality");
  auto map = value ? map_like(*value, "{training_tokens: 15e12}") : std::nullopt;
  if (!map) return std::nullopt;
  const auto tokens = map->required("training_tokens", "a number such as 15e12 expected");
  const auto number = tokens ? tokens->number(kFewestTokens, kMostTokens) : std::nullopt;
  map->done();
  if (!number) return std::nullopt;
  return TrainingTokens{*number, "the scenario's quality.training_tokens", "scenario"};
}

std::optional<std::vector<TwinMatch>> read_twins(MapReader& reader) {
  const auto value = reader.optional("twins");
  if (!value) return std::nullopt;
  std::vector<TwinMatch> twins;
  if (value->is_scalar()) {
    add_twin(*value, twins);
  } else {
    for (const Value& item : value->items()) add_twin(item, twins);
  }
  return twins;
}

std::optional<DemandResponse> read_demand(MapReader& reader) {
  const auto value = reader.optional("demand");
  auto map = value ? map_like(*value, "{elasticity: 0.8, reference: CASE}") : std::nullopt;
  if (!map) return std::nullopt;
  DemandResponse response;
  const auto elasticity = map->required("elasticity", "a number from 0 to 5 expected");
  if (elasticity) response.elasticity = elasticity->number(0, kMostElastic).value_or(0);
  response.reference = map->text_or("reference", "");
  map->done();
  return response;
}

}  // namespace moesim
