#include "scenarios/sweep/paths.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "scenarios/format/keys/scenario_keys.h"

namespace moesim {
namespace {

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream in(path);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}

// Keys whose short form is one value of the map that they may also be: model: NAME is {name: NAME}.
constexpr std::pair<const char*, const char*> kShortForms[] = {{"model", "name"},
                                                               {"engine", "name"},
                                                               {"site", "region"},
                                                               {"closed_loop", "concurrency"},
                                                               {"trace", "file"}};

std::vector<std::string> case_names(const YAML::Node& root) {
  std::vector<std::string> names;
  const YAML::Node cases = root["cases"];
  if (!cases.IsDefined() || !cases.IsSequence()) return names;
  for (const YAML::Node& item : cases) {
    const YAML::Node name = item.IsMap() ? item["name"] : YAML::Node();
    names.push_back(name.IsDefined() && name.IsScalar() ? name.Scalar() : "");
  }
  return names;
}

std::string without_prefix(const std::string& path, const std::string& prefix) {
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

// Where a path starts: the number of the case, if any, and the keys below it.
struct PathStart {
  std::optional<std::size_t> index;
  std::vector<std::string> keys;
};

// Names may hold dots, so the longest case name that the path begins with wins.
PathStart path_start(const YAML::Node& root, const std::string& path) {
  const std::string rest = bare_path(path);
  const std::vector<std::string> names = case_names(root);
  PathStart start{std::nullopt, split_path(path)};
  std::size_t longest = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool matches = rest == names[i] || rest.starts_with(names[i] + ".");
    if (!matches || names[i].size() <= longest) continue;
    longest = names[i].size();
    start.index = i;
    start.keys = split_path(without_prefix(rest.substr(longest), "."));
  }
  return start;
}

const std::vector<std::string>& settable_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> names;
    for (const KeyFacts& facts : scenario_map().keys) {
      if (facts.name != "cases" && facts.name != "sweep") names.push_back(facts.name);
    }
    return names;
  }();
  return keys;
}

// What is wrong with a path that belongs to no case; empty = nothing.
std::string top_level_fault(const YAML::Node& root, const std::vector<std::string>& keys) {
  const auto& known = settable_keys();
  if (std::find(known.begin(), known.end(), keys[0]) != known.end()) return "";
  if (keys[0] == "cases" && keys.size() == 1) return "a case by its name expected, e.g. moe.model";
  const std::string wanted = keys[0] == "cases" ? keys[1] : keys[0];
  std::vector<std::string> names = case_names(root);
  if (keys[0] != "cases") names.insert(names.end(), known.begin(), known.end());
  std::erase(names, "");
  const std::string near = did_you_mean(wanted, names);
  return "no case or top-level key is called \"" + wanted + "\"; " +
         (near.empty() ? "there are " + comma_list(names) : "did you mean " + near + "?");
}

// Where the path that makes it necessary was written.
YAML::Node empty_map(int line) {
  return line > 0 ? placed("{}", line) : YAML::Node(YAML::NodeType::Map);
}

// `first` = where the first key that is changed is noted; null = it is, or nobody asks.
void set_below(YAML::Node node, const std::vector<std::string>& keys, std::size_t depth,
               const YAML::Node& value, Fault place, Faults& faults, PathChanges* changes,
               PathChanges* first) {
  const std::string& key = keys[depth];
  const auto note_first = [&] {
    if (first != nullptr) first->first.emplace_back(node, key);
    first = nullptr;
  };
  if (depth + 1 == keys.size()) {
    note_first();
    if (changes != nullptr) changes->leaves.emplace_back(node, key);
    node[key] = value;
    return;
  }
  const YAML::Node there = std::as_const(node)[key];
  if (!there.IsDefined() || there.IsNull() || (there.IsScalar() && short_form(key) != nullptr)) {
    note_first();
  }
  YAML::Node next = node[key];
  if (next.IsDefined() && next.IsScalar() && short_form(key) != nullptr) {
    YAML::Node spelled_out = empty_map(place.line);
    spelled_out[short_form(key)] = next;
    node[key] = spelled_out;
    next = node[key];
  }
  if (!next.IsDefined() || next.IsNull()) {
    node[key] = empty_map(place.line);
    next = node[key];
  }
  if (!next.IsMap()) {
    place.allowed = "\"" + key + "\" is no map, so it has no \"" + keys[depth + 1] + "\"";
    faults.add(place);
    return;
  }
  set_below(next, keys, depth + 1, value, place, faults, changes, first);
}

}  // namespace

std::string bare_path(const std::string& path) {
  return without_prefix(path, "cases.");
}

const char* short_form(const std::string& key) {
  for (const auto& [name, inner] : kShortForms) {
    if (name == key) return inner;
  }
  return nullptr;
}

void set_path(YAML::Node& root, const std::string& path, const YAML::Node& value,
              const std::string& file, int line, Faults& faults, PathChanges* changes) {
  const auto [index, keys] = path_start(root, path);
  Fault place{file, line, path, value_text(value), ""};
  const bool well_formed = !keys.empty() && std::none_of(keys.begin(), keys.end(),
                                                         [](const auto& k) { return k.empty(); });
  if (!well_formed) {
    place.allowed = "a path such as moe.model.top_k or workload.requests.poisson expected";
  } else if (!index) {
    place.allowed = top_level_fault(root, keys);
  }
  if (!place.allowed.empty()) {
    faults.add(place);
    return;
  }
  set_below(index ? root["cases"][*index] : root, keys, 0, value, place, faults, changes, changes);
}

// A node of its own that shares the value: yaml-cpp gives one only by assigning to another node,
// which the other handle then still has.
ChangedKey::ChangedKey(const YAML::Node& map, std::string key)
    : map_(map), key_(std::move(key)), was_there_(map[key_].IsDefined()) {
  if (!was_there_) return;
  YAML::Node handle(YAML::NodeType::Null);
  before_.reset(handle);
  handle = map[key_];
}

void ChangedKey::put_back() {
  if (was_there_) {
    map_[key_] = before_;
  } else {
    map_.remove(key_);
  }
}

std::optional<YAML::Node> node_at(const YAML::Node& root, const std::string& path) {
  const auto [index, keys] = path_start(root, path);
  YAML::Node node = index ? root["cases"][*index] : root;
  for (const std::string& key : keys) {
    if (!node.IsMap()) return std::nullopt;
    const YAML::Node next = std::as_const(node)[key];
    if (!next.IsDefined()) return std::nullopt;
    node.reset(next);
  }
  return node;
}

std::string case_of_path(const YAML::Node& root, const std::string& path) {
  const PathStart start = path_start(root, path);
  return start.index ? case_names(root)[*start.index] : "";
}

bool same_path(const std::string& a, const std::string& b) {
  return bare_path(a) == bare_path(b);
}

YAML::Node placed(const std::string& text, int line) {
  return YAML::Load(std::string(static_cast<std::size_t>(std::max(0, line - 1)), '\n') + text);
}

bool is_top_level_key(const std::string& name) {
  const auto& known = settable_keys();
  return name == "cases" || name == "sweep" ||
         std::find(known.begin(), known.end(), name) != known.end();
}

YAML::Node unplaced(const YAML::Node& node) {
  YAML::Node copy(node.Type());
  if (node.IsScalar()) copy = node.Scalar();
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) copy.push_back(unplaced(item));
  }
  if (node.IsMap()) {
    for (const auto& entry : node) copy[entry.first.Scalar()] = unplaced(entry.second);
  }
  return copy;
}

}  // namespace moesim
