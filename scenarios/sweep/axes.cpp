#include "scenarios/sweep/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "scenarios/format/keys/plain_number.h"
#include "scenarios/format/keys/sweep_keys.h"
#include "scenarios/sweep/paths.h"
#include "scenarios/sweep/samples.h"

namespace moesim {
namespace {

// The same for values that read alike, as 1 and 1.0 do.
std::string plain_text(const YAML::Node& value) {
  const auto number = value.IsScalar() ? plain_number(value.Scalar()) : std::nullopt;
  return number ? fmt::format("{}", *number) : value_text(value);
}

// Rows of equal points would be compared with each other.
void refuse_equal(const Value& item, const std::string& text, const char* what,
                  std::map<std::string, int>& seen) {
  const auto [known, is_new] = seen.try_emplace(text, item.line());
  if (is_new) return;
  item.fault(fmt::format("each {} once; line {} has it already", what, known->second),
             value_text(item.node()));
}

SweepAxis list_axis(const std::string& path, const Value& list) {
  SweepAxis axis;
  axis.paths.push_back({path, list.line()});
  const std::vector<Value> items = list.items();
  std::map<std::string, int> seen;
  for (const Value& item : items) refuse_equal(item, plain_text(item.node()), "value", seen);
  axis.count = items.size();
  axis.value = [items](std::size_t i, std::size_t) { return items[i].node(); };
  return axis;
}

// All that a point says, in one order.
std::string point_text(const YAML::Node& point) {
  std::map<std::string, std::string> values;
  for (const auto& entry : point) {
    values[bare_path(entry.first.Scalar())] = plain_text(entry.second);
  }
  std::string text;
  for (const auto& [path, value] : values) text += path + "\n" + value + "\n";
  return text;
}

void refuse_paths_given_twice(const Value& point) {
  std::vector<std::string> seen;
  for (const auto& [path, value] : point.entries()) {
    const auto same = [&name = path](const std::string& other) { return same_path(other, name); };
    if (std::ranges::any_of(seen, same)) value.fault("each path once in a point");
    seen.push_back(path);
  }
}

// Every point is a map of its own; what one leaves out ({}: all of it) stays as the case has it.
std::optional<SweepAxis> points_axis(const Value& points) {
  if (!points.is_list() || points.node().size() == 0) {
    points.fault("a list of points such as {moe.model.top_k: 2, moe.parallel.ep: 8} expected");
    return std::nullopt;
  }
  SweepAxis axis;
  std::vector<YAML::Node> nodes;
  std::map<std::string, int> seen;
  for (const Value& item : points.items()) {
    if (!item.is_map()) {
      item.fault("a point such as {moe.model.top_k: 2, moe.parallel.ep: 8} expected");
      continue;
    }
    refuse_equal(item, point_text(item.node()), "point", seen);
    refuse_paths_given_twice(item);
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

bool is_inside(const SweptPath& inner, const SweptPath& outer) {
  return bare_path(inner.path).starts_with(bare_path(outer.path) + ".");
}

// Whether some value of the axis sets both of its paths.
bool set_together(const SweepAxis& axis, std::size_t p, std::size_t q) {
  for (std::size_t i = 0; i < axis.count; ++i) {
    if (axis.value(i, p) && axis.value(i, q)) return true;
  }
  return false;
}

// Of two values at one place a row would have one and be named after both.
void refuse_paths_given_twice(const Sweep& sweep, const std::string& file, Faults& faults) {
  const auto refuse = [&](const SweptPath& path, const std::string& why) {
    faults.add({file, path.line, "sweep", path.path, "each path once in a sweep" + why});
  };
  const auto refuse_inside = [&](const SweptPath& a, const SweptPath& b) {
    const bool a_is_inner = is_inside(a, b);
    if (!a_is_inner && !is_inside(b, a)) return;
    const std::string& outer = (a_is_inner ? b : a).path;
    const char* inner = short_form(outer.substr(outer.rfind('.') + 1));
    refuse(a_is_inner ? a : b, "; it lies inside " + outer + ", swept as well" +
                                   (inner ? ": sweep " + outer + "." + inner + " instead" : ""));
  };
  std::vector<SweptPath> seen;
  for (const SweepAxis& axis : sweep.axes) {
    for (std::size_t p = 0; p < axis.paths.size(); ++p) {
      const SweptPath& path = axis.paths[p];
      const auto same = [&](const SweptPath& other) { return same_path(other.path, path.path); };
      if (std::ranges::any_of(seen, same)) refuse(path, "");
      for (const SweptPath& other : seen) refuse_inside(path, other);
      for (std::size_t q = 0; q < p; ++q) {
        const SweptPath& other = axis.paths[q];
        const bool nested = is_inside(path, other) || is_inside(other, path);
        const bool given_twice = nested || same(other);
        if (!given_twice || !set_together(axis, p, q)) continue;
        nested ? refuse_inside(path, other) : refuse(path, "");
      }
    }
    seen.insert(seen.end(), axis.paths.begin(), axis.paths.end());
  }
}

// Points that differed in what is no longer swept are one.
YAML::Node without_equal(const YAML::Node& points) {
  YAML::Node different(YAML::NodeType::Sequence);
  std::set<std::string> seen;
  for (const YAML::Node& point : points) {
    if (!point.IsMap() || seen.insert(point_text(point)).second) different.push_back(point);
  }
  return different;
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
  bool any_dropped = false;
  const auto drop_from = [&](YAML::Node map) {
    if (!map.IsDefined() || !map.IsMap()) return;
    std::vector<std::string> dropped;
    for (const auto& entry : map) {
      if (entry.first.IsScalar() && same_path(entry.first.Scalar(), path)) {
        dropped.push_back(entry.first.Scalar());
      }
    }
    for (const std::string& key : dropped) map.remove(key);
    any_dropped = any_dropped || !dropped.empty();
  };
  drop_from(sweep);
  drop_from(sweep[kSample]);
  constexpr std::size_t kMethodAlone = 1;
  if (sweep[kSample].IsDefined() && sweep[kSample].size() <= kMethodAlone) sweep.remove(kSample);
  const YAML::Node points = sweep[kPoints];
  if (!points.IsDefined() || !points.IsSequence()) return;
  any_dropped = false;
  for (const YAML::Node& point : points) drop_from(point);
  if (any_dropped) sweep[kPoints] = without_equal(points);
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
