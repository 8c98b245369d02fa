#include "models/router/tokens/calibration.h"

#include <algorithm>
#include <numeric>

#include "base/data_folder.h"
#include "base/document.h"
#include "models/router/tokens/text_loads.h"

namespace moesim {

namespace {

constexpr std::string_view kBalancedDefault = "balanced-default";
constexpr std::string_view kSkewedDefault = "skewed-default";

std::string calibration_path() {
  return data_folder("models/router/tokens") + "/calibration.yaml";
}

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

std::vector<std::string> read_words(MapReader& map, const std::string& key) {
  std::vector<std::string> words;
  const auto list = map.optional(key);
  if (!list) return words;
  for (const Value& item : list->items()) words.push_back(item.text().value_or(""));
  return words;
}

// Loads over the mean; their own mean is made exactly 1.
std::vector<double> read_over_mean(const Value& value) {
  std::vector<double> loads;
  for (const Value& item : value.items()) loads.push_back(item.number(0, 1e6).value_or(0));
  const double sum = std::accumulate(loads.begin(), loads.end(), 0.0);
  if (sum <= 0) {
    value.fault("loads over the mean, one per expert, not all 0", "no load");
    return {};
  }
  for (double& load : loads) load *= static_cast<double>(loads.size()) / sum;
  return loads;
}

LoadShape read_shape(const Value& value) {
  MapReader map(value);
  LoadShape shape;
  shape.depth = read_number(map, "depth", 0, 1);
  const auto loads = map.required("load_over_mean", "loads over the mean, one per expert");
  if (loads) shape.load_over_mean = read_over_mean(*loads);
  if (const auto first = map.optional("first_over_mean")) {
    shape.first_over_mean = read_over_mean(*first);
    if (shape.first_over_mean.size() != shape.load_over_mean.size()) {
      first->fault("as many numbers as load_over_mean", "another length");
    }
  }
  map.done();
  return shape;
}

std::vector<LoadShape> read_loads(MapReader& map) {
  std::vector<LoadShape> shapes;
  const auto list = map.optional("loads");
  if (!list) return shapes;
  for (const Value& item : list->items()) {
    LoadShape shape = read_shape(item);
    if (!shapes.empty() && shape.depth <= shapes.back().depth) item.fault("rising depths");
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<TextDomain> read_domains(MapReader& map) {
  std::vector<TextDomain> domains;
  const auto list = map.optional("domains");
  if (!list) return domains;
  for (const Value& item : list->items()) {
    MapReader entry(item);
    TextDomain domain;
    domain.name = read_text(entry, "name");
    domain.stands_for = read_words(entry, "stands_for");
    domain.loads = read_loads(entry);
    if (domain.loads.empty()) item.fault("loads at one depth or more", "no loads");
    entry.done();
    domains.push_back(std::move(domain));
  }
  return domains;
}

RoutingCalibration read_family(const Value& value) {
  MapReader map(value);
  RoutingCalibration family;
  family.name = read_text(map, "name");
  family.architectures = read_words(map, "architectures");
  family.source = read_text(map, "source");
  if (const auto word = map.required("provenance", "calibrated, assumption")) {
    const std::vector<std::string> words = {"calibrated", "assumption"};
    family.provenance = words[word->choice(words).value_or(1)];
  }
  family.state_dimensions = read_count(map, "state_dimensions", 65536);
  family.num_topics = read_count(map, "num_topics", 4096);
  family.topic_exponent = read_number(map, "topic_exponent", 0, 10);
  family.topic_stay = read_number(map, "topic_stay", 0, 1);
  family.vocabulary = read_count(map, "vocabulary", 65536);
  family.topic_share = read_profile(map, "topic_share", 0.4);
  family.token_share = read_profile(map, "token_share", 0.4);
  family.noise_correlation = read_profile(map, "noise_correlation", 1);
  family.carried = read_profile(map, "carried", 0.9);
  family.norm_spread = read_profile(map, "norm_spread", 2);
  family.persistent_noise = read_number(map, "persistent_noise", 0, 1);
  family.shared_direction = read_number(map, "shared_direction", 0, 1);
  family.direction_experts = read_count(map, "direction_experts", 4096);
  family.domain_spread = read_number(map, "domain_spread", 0, 3);
  family.domains = read_domains(map);
  family.loads = read_loads(map);
  if (const auto gini = map.optional("gini")) {
    if (!family.loads.empty()) gini->fault("gini or loads, not both", "both");
    family.loads = {lognormal_loads(gini->number(0, 0.95).value_or(0))};
  }
  map.done();
  return family;
}

}  // namespace

double DepthProfile::at(double depth) const {
  return depth < 0.5 ? first + (middle - first) * 2 * depth
                     : middle + (last - middle) * (2 * depth - 1);
}

std::vector<RoutingCalibration> read_calibration(const std::string& text, const std::string& name) {
  Faults faults;
  MapReader map(Value(parse_document(text, name), name, "", &faults));
  const auto schema = map.required("schema", "2");
  if (schema) schema->integer(2, 2);
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

std::string calibration_text() {
  return read_file(calibration_path());
}

RoutingCalibration routing_calibration(const ModelSpec& model) {
  const std::vector<RoutingCalibration> families =
      read_calibration(calibration_text(), calibration_path());
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
