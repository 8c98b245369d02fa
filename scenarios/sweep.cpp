#include "scenarios/sweep.h"

#include <sstream>

namespace moesim {
namespace {

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream in(path);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}

YAML::Node case_named(const YAML::Node& root, const std::string& name) {
  const YAML::Node cases = root["cases"];
  if (cases.IsDefined() && cases.IsSequence()) {
    for (const YAML::Node& item : cases) {
      if (item.IsMap() && item["name"].IsDefined() && item["name"].IsScalar() &&
          item["name"].Scalar() == name) {
        return item;
      }
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

// The case a path starts in and the number of parts that name it; 0 parts = the whole document.
std::pair<YAML::Node, std::size_t> path_start(const YAML::Node& root,
                                              const std::vector<std::string>& parts) {
  if (parts.size() >= 2 && parts[0] == "cases") {
    if (YAML::Node found = case_named(root, parts[1]); found.IsDefined()) return {found, 2};
  }
  if (!parts.empty()) {
    if (YAML::Node found = case_named(root, parts[0]); found.IsDefined()) return {found, 1};
  }
  return {root, 0};
}

std::vector<std::string> first_parts(const YAML::Node& root) {
  std::vector<std::string> names;
  if (const YAML::Node cases = root["cases"]; cases.IsDefined() && cases.IsSequence()) {
    for (const YAML::Node& item : cases) {
      if (item.IsMap() && item["name"].IsDefined()) names.push_back(item["name"].Scalar());
    }
  }
  for (const auto& entry : root) names.push_back(entry.first.Scalar());
  return names;
}

void set_below(YAML::Node node, const std::vector<std::string>& parts, std::size_t depth,
               const YAML::Node& value, const Fault& place, Faults& faults) {
  if (depth + 1 == parts.size()) {
    node[parts[depth]] = value;
    return;
  }
  YAML::Node next = node[parts[depth]];
  if (next.IsDefined() && next.IsScalar() && parts[depth] == "model") {
    YAML::Node spelled_out(YAML::NodeType::Map);
    spelled_out["name"] = next.Scalar();
    node[parts[depth]] = spelled_out;
    next = node[parts[depth]];
  }
  if (!next.IsDefined() || next.IsNull()) {
    node[parts[depth]] = YAML::Node(YAML::NodeType::Map);
    next = node[parts[depth]];
  }
  if (!next.IsMap()) {
    Fault fault = place;
    fault.allowed = "\"" + parts[depth] + "\" is no map, so it has no \"" + parts[depth + 1] + "\"";
    faults.add(fault);
    return;
  }
  set_below(next, parts, depth + 1, value, place, faults);
}

}  // namespace

std::vector<SweepAxis> take_sweep(YAML::Node& root, const std::string& file, Faults& faults) {
  std::vector<SweepAxis> axes;
  const YAML::Node sweep = root["sweep"];
  if (!sweep.IsDefined() || sweep.IsNull()) return axes;
  for (const auto& [path, list] : Value(sweep, file, "sweep", &faults).entries()) {
    SweepAxis axis{path, {}, list.line()};
    for (const Value& item : list.items()) axis.values.push_back(item.node());
    if (list.is_list() && axis.values.empty()) list.fault("a list of at least one value expected");
    axes.push_back(std::move(axis));
  }
  root.remove("sweep");
  return axes;
}

void set_path(YAML::Node& root, const std::string& path, const YAML::Node& value,
              const std::string& file, int line, Faults& faults) {
  const std::vector<std::string> parts = split_path(path);
  const auto [start, depth] = path_start(root, parts);
  Fault place{file, line, path, value_text(value), ""};
  bool well_formed = parts.size() > depth;
  for (const std::string& part : parts) well_formed = well_formed && !part.empty();
  if (!well_formed) {
    place.allowed = "a path such as moe.model.top_k or workload.requests.poisson expected";
    faults.add(place);
    return;
  }
  if (depth == 0 && !(root[parts[0]].IsDefined() && parts[0] != "cases")) {
    const std::string near = did_you_mean(parts[0], first_parts(root));
    place.allowed = "no case or top-level key is called \"" + parts[0] + "\"" +
                    (near.empty() ? "" : "; did you mean " + near + "?");
    faults.add(place);
    return;
  }
  set_below(start, parts, depth, value, place, faults);
}

std::string case_of_path(const YAML::Node& root, const std::string& path) {
  const std::vector<std::string> parts = split_path(path);
  const auto [start, depth] = path_start(root, parts);
  return depth == 0 ? "" : start["name"].Scalar();
}

std::vector<std::vector<std::size_t>> combinations(const std::vector<SweepAxis>& axes) {
  std::vector<std::vector<std::size_t>> out = {{}};
  for (const SweepAxis& axis : axes) {
    std::vector<std::vector<std::size_t>> longer;
    for (const auto& prefix : out) {
      for (std::size_t i = 0; i < axis.values.size(); ++i) {
        longer.push_back(prefix);
        longer.back().push_back(i);
      }
    }
    out = std::move(longer);
  }
  return out;
}

std::string value_text(const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  YAML::Emitter out;
  out << YAML::Flow << value;
  return out.c_str();
}

}  // namespace moesim
