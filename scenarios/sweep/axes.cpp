#include "scenarios/sweep/axes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "scenarios/sweep/paths.h"
#include "scenarios/sweep/samples.h"

namespace moesim {
namespace {

constexpr const char* kPoints = "points";
constexpr const char* kSample = "sample";
constexpr const char* kWhere = "where";

SweepAxis list_axis(const std::string& path, const Value& list) {
  SweepAxis axis;
  axis.paths.push_back({path, list.line()});
  const std::vector<Value> items = list.items();
  axis.count = items.size();
  axis.value = [items](std::size_t i, std::size_t) { return items[i].node(); };
  return axis;
}

// Every point is a map of its own; what one leaves out ({}: all of it) stays as the case has it.
std::optional<SweepAxis> points_axis(const Value& points) {
  if (!points.is_list() || points.node().size() == 0) {
    points.fault("a list of points such as {moe.model.top_k: 2, moe.parallel.ep: 8} expected");
    return std::nullopt;
  }
  SweepAxis axis;
  std::vector<YAML::Node> nodes;
  for (const Value& item : points.items()) {
    if (!item.is_map()) {
      item.fault("a point such as {moe.model.top_k: 2, moe.parallel.ep: 8} expected");
      continue;
    }
    nodes.push_back(item.node());
    for (const auto& [path, value] : item.entries()) {
      const auto same = [&name = path](const SweptPath& p) { return same_path(p.path, name); };
      if (std::ranges::none_of(axis.paths, same)) axis.paths.push_back({path, value.line()});
    }
  }
  if (axis.paths.empty()) return std::nullopt;
  axis.count = nodes.size();
  axis.value = [nodes, paths = axis.paths](std::size_t i,
                                           std::size_t p) -> std::optional<YAML::Node> {
    for (const auto& entry : nodes[i]) {
      if (same_path(entry.first.Scalar(), paths[p].path)) return entry.second;
    }
    return std::nullopt;
  };
  return axis;
}

// A node that faults find on this line of the file.
YAML::Node placed(const std::string& text, int line) {
  return YAML::Load(std::string(static_cast<std::size_t>(std::max(0, line - 1)), '\n') + text);
}

std::uint64_t seed_of(const YAML::Node& root) {
  const YAML::Node node = std::as_const(root)["seed"];
  std::uint64_t seed = 0;
  if (node.IsDefined() && node.IsScalar()) {
    const std::string& text = node.Scalar();
    std::from_chars(text.data(), text.data() + text.size(), seed);
  }
  return seed;
}

// The nodes of one path's values: numbers take turns in one node, and each choice has its own,
// because yaml-cpp keeps every node of a document as long as the document.
class SampledNodes {
 public:
  explicit SampledNodes(const SampledPath& path) : path_(path), number_(placed("0", path.line)) {}

  YAML::Node node(const std::string& value) {
    if (path_.choices.empty()) {
      number_ = value;
      return number_;
    }
    const auto [found, is_new] = choices_.try_emplace(value);
    if (is_new) found->second.reset(placed(value, path_.line));
    return found->second;
  }

 private:
  SampledPath path_;
  YAML::Node number_;
  std::map<std::string, YAML::Node> choices_;
};

std::optional<SweepAxis> sample_axis(const Value& value, std::uint64_t seed) {
  const std::size_t before = value.faults().all().size();
  const SamplePlan plan = read_sample_plan(value);
  if (value.faults().all().size() > before) return std::nullopt;
  using Samples = std::vector<std::vector<std::string>>;
  const auto samples = std::make_shared<const Samples>(draw_samples(plan, seed));
  SweepAxis axis;
  const auto nodes = std::make_shared<std::vector<SampledNodes>>();
  for (const SampledPath& path : plan.paths) {
    axis.paths.push_back({path.path, path.line});
    nodes->emplace_back(path);
  }
  axis.count = samples->size();
  axis.value = [samples, nodes](std::size_t i, std::size_t p) {
    return (*nodes)[p].node((*samples)[i][p]);
  };
  return axis;
}

std::vector<Condition> read_conditions(const Value& value) {
  std::vector<Condition> conditions;
  const auto items = value.is_list() ? value.items() : std::vector<Value>{value};
  for (const Value& item : items) {
    if (auto condition = read_condition(item)) conditions.push_back(std::move(*condition));
  }
  return conditions;
}

void refuse_paths_given_twice(const Sweep& sweep, const std::string& file, Faults& faults) {
  std::vector<SweptPath> seen;
  for (const SweepAxis& axis : sweep.axes) {
    for (const SweptPath& path : axis.paths) {
      const auto same = [&](const SweptPath& p) { return same_path(p.path, path.path); };
      if (std::ranges::any_of(seen, same)) {
        faults.add({file, path.line, "sweep", path.path, "each path once in a sweep"});
      }
      seen.push_back(path);
    }
  }
}

}  // namespace

Sweep take_sweep(YAML::Node& root, const std::string& file, Faults& faults) {
  Sweep sweep;
  const YAML::Node node = root["sweep"];
  if (!node.IsDefined()) return sweep;
  root.remove("sweep");
  if (node.IsNull()) return sweep;
  const Value whole(node, file, "sweep", &faults);
  if (!whole.is_map()) {
    whole.fault("a map such as {moe.model.top_k: [2, 4]} expected");
    return sweep;
  }
  sweep.given = node;
  sweep.line = whole.line();
  for (const auto& [key, value] : whole.entries()) {
    std::optional<SweepAxis> axis;
    if (key == kWhere) {
      sweep.where = read_conditions(value);
    } else if (key == kPoints) {
      axis = points_axis(value);
    } else if (key == kSample) {
      axis = sample_axis(value, seed_of(root));
    } else if (!value.is_list() || value.node().size() == 0) {
      value.fault("a list of at least one value expected", value.is_list() ? "an empty list" : "");
    } else {
      axis = list_axis(key, value);
    }
    if (axis && axis->count > 0) sweep.axes.push_back(std::move(*axis));
  }
  refuse_paths_given_twice(sweep, file, faults);
  return sweep;
}

void drop_swept(YAML::Node& root, const std::string& path) {
  YAML::Node sweep = root["sweep"];
  if (!sweep.IsDefined() || !sweep.IsMap()) return;
  const auto drop_from = [&](YAML::Node map) {
    if (!map.IsDefined() || !map.IsMap()) return;
    std::vector<std::string> dropped;
    for (const auto& entry : map) {
      if (entry.first.IsScalar() && same_path(entry.first.Scalar(), path)) {
        dropped.push_back(entry.first.Scalar());
      }
    }
    for (const std::string& key : dropped) map.remove(key);
  };
  drop_from(sweep);
  drop_from(sweep[kSample]);
  constexpr std::size_t kMethodAlone = 1;
  if (sweep[kSample].IsDefined() && sweep[kSample].size() <= kMethodAlone) sweep.remove(kSample);
  const YAML::Node points = sweep[kPoints];
  if (!points.IsDefined() || !points.IsSequence()) return;
  for (const YAML::Node& point : points) drop_from(point);
}

double num_points(const std::vector<SweepAxis>& axes) {
  double points = 1;
  for (const SweepAxis& axis : axes) points *= static_cast<double>(axis.count);
  return points;
}

std::vector<std::size_t> point_at(const std::vector<std::size_t>& sizes, std::size_t point) {
  std::vector<std::size_t> values(sizes.size());
  for (std::size_t axis = sizes.size(); axis-- > 0;) {
    values[axis] = point % sizes[axis];
    point /= sizes[axis];
  }
  return values;
}

}  // namespace moesim
