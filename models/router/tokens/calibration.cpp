#include "models/router/tokens/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/data_folder.h"
#include "base/document.h"

namespace moesim {

namespace {

constexpr std::string_view kBalancedDefault = "balanced-default";
constexpr std::string_view kSkewedDefault = "skewed-default";

DepthProfile read_profile(MapReader& map, const std::string& key, double max) {
  DepthProfile profile;
  const auto value = map.required(key, "three numbers: first, middle and last layer");
  if (!value) return profile;
  const std::vector<Value> items = value->items();
  if (items.size() != 3) {
    value->fault("three numbers: first, middle and last layer");
    return profile;
  }
  profile.first = items[0].number(0, max).value_or(0);
  profile.middle = items[1].number(0, max).value_or(0);
  profile.last = items[2].number(0, max).value_or(0);
  return profile;
}

double read_number(MapReader& map, const std::string& key, double min, double max) {
  const auto value = map.required(key, "a number");
  return value ? value->number(min, max).value_or(min) : min;
}

std::int64_t read_count(MapReader& map, const std::string& key, std::int64_t max) {
  const auto value = map.required(key, "a whole number");
  return value ? value->integer(1, max).value_or(1) : 1;
}

std::string read_text(MapReader& map, const std::string& key) {
  const auto value = map.required(key, "a text");
  return value ? value->text().value_or("") : "";
}

std::vector<LoadShape> read_loads(MapReader& map) {
  std::vector<LoadShape> shapes;
  const auto list = map.optional("loads");
  if (!list) return shapes;
  for (const Value& item : list->items()) {
    MapReader entry(item);
    LoadShape shape;
    shape.depth = read_number(entry, "depth", 0, 1);
    if (const auto loads =
            entry.required("load_over_mean", "a falling list of loads over the mean")) {
      for (const Value& load : loads->items()) {
        shape.load_over_mean.push_back(load.number(0, 1e6).value_or(0));
      }
      const std::vector<double>& given = shape.load_over_mean;
      if (given.empty() || given.front() <= 0 ||
          !std::is_sorted(given.begin(), given.end(), std::greater<>())) {
        loads->fault("a falling list of loads over the mean", "unsorted or empty list");
      }
    }
    if (!shapes.empty() && shape.depth <= shapes.back().depth) item.fault("rising depths");
    entry.done();
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

RoutingCalibration read_family(const Value& value) {
  MapReader map(value);
  RoutingCalibration family;
  family.name = read_text(map, "name");
  if (const auto list = map.optional("architectures")) {
    for (const Value& item : list->items()) {
      family.architectures.push_back(item.text().value_or(""));
    }
  }
  family.source = read_text(map, "source");
  if (const auto word = map.required("provenance", "calibrated, assumption")) {
    const std::vector<std::string> words = {"calibrated", "assumption"};
    family.provenance = words[word->choice(words).value_or(1)];
  }
  family.num_topics = read_count(map, "num_topics", 4096);
  family.topic_exponent = read_number(map, "topic_exponent", 0, 10);
  family.topic_stay = read_number(map, "topic_stay", 0, 1);
  family.vocabulary = read_count(map, "vocabulary", 65536);
  family.topic_share = read_profile(map, "topic_share", 0.4);
  family.token_share = read_profile(map, "token_share", 0.4);
  family.noise_correlation = read_profile(map, "noise_correlation", 1);
  family.norm_spread = read_profile(map, "norm_spread", 2);
  family.persistent_noise = read_number(map, "persistent_noise", 0, 1);
  family.shared_direction = read_number(map, "shared_direction", 0, 1);
  family.direction_experts = read_count(map, "direction_experts", 4096);
  family.loads = read_loads(map);
  map.done();
  return family;
}

// Load at rank quantile q in (0, 1) of a falling list, linear between the list's own midpoints.
double load_at(const std::vector<double>& falling, double quantile) {
  const auto size = static_cast<double>(falling.size());
  const double place = std::clamp(quantile * size - 0.5, 0.0, size - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, falling.size() - 1);
  const double part = place - static_cast<double>(below);
  return falling[below] * (1 - part) + falling[above] * part;
}

// Scales to mean 1 with no load above `most`: what a full expert cannot take goes to the others.
void normalise_loads(std::vector<double>& falling, double most) {
  for (int round = 0; round < 8; ++round) {
    const double sum = std::accumulate(falling.begin(), falling.end(), 0.0);
    for (double& load : falling) load *= static_cast<double>(falling.size()) / sum;
    if (falling.front() <= most) return;
    for (double& load : falling) load = std::min(load, most);
  }
}

}  // namespace

double DepthProfile::at(double depth) const {
  return depth < 0.5 ? first + (middle - first) * 2 * depth
                     : middle + (last - middle) * (2 * depth - 1);
}

std::vector<double> RoutingCalibration::target_loads(double depth, std::int64_t num_experts,
                                                     std::int64_t top_k) const {
  std::vector<double> target(static_cast<std::size_t>(num_experts), 1.0);
  if (loads.empty() || top_k >= num_experts) return target;
  std::size_t after = 0;
  while (after < loads.size() && loads[after].depth < depth) ++after;
  const LoadShape& high = loads[std::min(after, loads.size() - 1)];
  const LoadShape& low = loads[after == 0 ? 0 : after - 1];
  const double gap = high.depth - low.depth;
  const double part = gap > 0 ? std::clamp((depth - low.depth) / gap, 0.0, 1.0) : 0.0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const double quantile = (static_cast<double>(i) + 0.5) / static_cast<double>(num_experts);
    target[i] = load_at(low.load_over_mean, quantile) * (1 - part) +
                load_at(high.load_over_mean, quantile) * part;
  }
  normalise_loads(target, 0.97 * static_cast<double>(num_experts) / static_cast<double>(top_k));
  return target;
}

std::vector<RoutingCalibration> read_calibration(const std::string& text, const std::string& name) {
  Faults faults;
  MapReader map(Value(parse_document(text, name), name, "", &faults));
  const auto schema = map.required("schema", "1");
  if (schema) schema->integer(1, 1);
  std::vector<RoutingCalibration> families;
  if (const auto list = map.required("families", "a list of families")) {
    for (const Value& item : list->items()) families.push_back(read_family(item));
  }
  for (const std::string_view needed : {kBalancedDefault, kSkewedDefault}) {
    const bool there = std::any_of(families.begin(), families.end(),
                                   [&](const auto& family) { return family.name == needed; });
    if (!there) faults.add({name, 0, "families", std::string(needed), "a family of this name"});
  }
  map.done();
  faults.throw_if_any();
  return families;
}

RoutingCalibration routing_calibration(const ModelSpec& model) {
  const std::string path = data_folder("models/router/tokens") + "/calibration.yaml";
  const std::vector<RoutingCalibration> families = read_calibration(read_file(path), path);
  const std::string_view otherwise =
      model.moe().router.correction_bias ? kBalancedDefault : kSkewedDefault;
  const RoutingCalibration* found = nullptr;
  for (const RoutingCalibration& family : families) {
    const auto& list = family.architectures;
    if (std::find(list.begin(), list.end(), model.architecture) != list.end()) return family;
    if (family.name == otherwise) found = &family;
  }
  return *found;
}

}  // namespace moesim
