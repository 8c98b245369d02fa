#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <span>

#include "base/document.h"
#include "scenarios/baseline_twin.h"
#include "scenarios/dense_twin_case.h"
#include "scenarios/fault_order.h"
#include "scenarios/read_case.h"
#include "scenarios/read_common.h"
#include "scenarios/resolve.h"
#include "scenarios/scenario.h"
#include "scenarios/sweep/axes.h"
#include "scenarios/sweep/paths.h"
#include "scenarios/sweep/point_filter.h"
#include "scenarios/sweep/row_key.h"

namespace moesim {
namespace {

constexpr std::size_t kMaxShownName = 100;

// A scenario's text parsed, with the settings in place and the sweep taken out.
struct Document {
  YAML::Node root;
  Sweep sweep;
};
using OpenDocument = std::function<Document(Faults&)>;

constexpr std::int64_t kEveryRow = -1;

struct ReaderOptions {
  ReadOptions read;
  std::int64_t row = kEveryRow;
};

class ScenarioReader {
 public:
  // `open` is called once a sweep point: a copy of a YAML::Node would lose its line numbers.
  ScenarioReader(OpenDocument open, std::string file, Faults& faults, const ReaderOptions& options)
      : open_(std::move(open)),
        file_(std::move(file)),
        faults_(faults),
        options_(options),
        keys_(file_) {
    loaded_.variation = options.read.variation;
  }

  Scenario read() {
    Document document = open_(faults_);
    root_ = document.root;
    sweep_ = std::move(document.sweep);
    check_axes();
    filter_.emplace(sweep_, root_, file_, faults_);
    MapReader reader(Value(root_, file_, "", &faults_));
    common_ = read_common(reader, workloads_, loaded_.variation);
    const auto cases = reader.required("cases", "a list of cases, each with name, model, cluster");
    reader.optional("sweep");  // Taken out above; known to whoever misspells it.
    reader.done();
    Scenario scenario;
    scenario.file = file_;
    scenario.name = common_.name;
    scenario.question = common_.question;
    scenario.seed = common_.seed;
    scenario.demand = common_.demand;
    if (!cases) return scenario;
    if (!cases->is_list() || cases->node().size() == 0) {
      cases->fault("a list of cases expected, each starting with - name:",
                   cases->is_list() ? "an empty list" : "");
      return scenario;
    }
    const std::vector<Value> items = cases->items();
    check_names(items);
    check_reference(items);
    std::vector<std::size_t> starts = {0};
    for (std::size_t i = 0; i < items.size(); ++i) {
      expand(i, items[i], scenario);
      starts.push_back(scenario.cases.size());
    }
    if (options_.row != kEveryRow) return scenario;
    if (faults_.empty() && scenario.cases.empty()) {
      faults_.add({file_, sweep_.line, "sweep.where", "", "no point meets the conditions"});
    }
    if (faults_.empty()) scenario.resolved = resolved_text(scenario, starts);
    return scenario;
  }

 private:
  void check_names(const std::vector<Value>& items) {
    std::set<std::string> seen;
    for (const Value& item : items) {
      const YAML::Node name = item.is_map() ? item.node()["name"] : YAML::Node();
      if (!name.IsDefined() || !name.IsScalar()) continue;
      if (!seen.insert(name.Scalar()).second) {
        item.child(name, "name").fault("another case has this name already");
      } else if (is_top_level_key(name.Scalar())) {
        item.child(name, "name").fault("a name that is no key of the scenario expected");
      }
    }
  }

  // The price that demand is measured from is that of a case in the file.
  void check_reference(const std::vector<Value>& items) {
    if (!common_.demand || common_.demand->reference.empty()) return;
    std::vector<std::string> names;
    for (const Value& item : items) {
      const YAML::Node name = item.is_map() ? item.node()["name"] : YAML::Node();
      if (name.IsDefined() && name.IsScalar()) names.push_back(name.Scalar());
    }
    const std::string& given = common_.demand->reference;
    if (std::ranges::find(names, given) != names.end()) return;
    Value(root_["demand"]["reference"], file_, "demand.reference", &faults_)
        .fault("a case expected: " + comma_list(names));
  }

  // Every axis must lead somewhere, and their product must stay within reason; else there is no
  // sweep and the cases are read as they are, to find what else is wrong.
  void check_axes() {
    const std::size_t before = faults_.all().size();
    const double points = num_points(sweep_.axes);
    for (const SweepAxis& axis : sweep_.axes) {
      for (std::size_t p = 0; p < axis.paths.size(); ++p) {
        std::size_t i = 0;
        while (!axis.value(i, p)) ++i;
        YAML::Node scratch = YAML::Clone(root_);
        set_path(scratch, axis.paths[p].path, *axis.value(i, p), file_, axis.paths[p].line,
                 faults_);
      }
    }
    const std::int64_t most = options_.read.most_points;
    if (points > static_cast<double>(most)) {
      faults_.add({file_, sweep_.line, "sweep", fmt::format("{:.0f} points", points),
                   fmt::format("at most {} points in one sweep", most)});
    }
    if (faults_.all().size() > before) sweep_.axes.clear();
  }

  // The numbers of the axes that concern a case.
  std::vector<std::size_t> axes_of(const std::string& name, bool& touches_common) const {
    std::vector<std::size_t> axes;
    for (std::size_t a = 0; a < sweep_.axes.size(); ++a) {
      bool concerns = false;
      for (const SweptPath& path : sweep_.axes[a].paths) {
        const std::string owner = case_of_path(root_, path.path);
        touches_common = touches_common || owner.empty();
        concerns = concerns || owner.empty() || owner == name;
      }
      if (concerns) axes.push_back(a);
    }
    return axes;
  }

  // Adds the case at every point of the axes that concern it.
  void expand(std::size_t index, const Value& item, Scenario& scenario) {
    const YAML::Node node = item.is_map() ? item.node()["name"] : YAML::Node();
    const std::string name = node.IsDefined() && node.IsScalar() ? node.Scalar() : "";
    bool touches_common = false;
    const auto axes = axes_of(name, touches_common);
    std::vector<std::size_t> sizes;
    for (const std::size_t a : axes) sizes.push_back(sweep_.axes[a].count);
    std::size_t points = 1;
    for (const std::size_t size : sizes) points *= size;
    for (std::size_t point = 0; point < points; ++point) {
      const std::int64_t row = num_rows_++;
      if (options_.row != kEveryRow && options_.row != row) continue;
      Document document = axes.empty() ? Document{root_, {}} : open_(faults_);
      Case one;
      one.row = row;
      const auto values = point_at(sizes, point);
      for (std::size_t i = 0; i < axes.size(); ++i) {
        set_values(document.sweep.axes[axes[i]], values[i], name, document.root, one);
      }
      const Common common = touches_common ? reread_common(document.root) : common_;
      const Twins twins = read_one(document.root["cases"][index], index, common, one);
      if (!filter_->passes(name, document.root, one.deployment)) continue;
      const bool is_swept = !sweep_.axes.empty();
      if (is_swept && options_.row == kEveryRow) one.key = keys_.key(document.root, index);
      scenario.cases.push_back(one);
      for (const TokenPolicy policy : twins.routings)
        scenario.cases.push_back(baseline_twin(one, policy));
      for (const TwinMatch match : twins.dense)
        scenario.cases.push_back(dense_twin_case(one, match, loaded_.variation));
    }
  }

  // Puts what the axis' value says of this case and of all cases into the document.
  void set_values(const SweepAxis& axis, std::size_t i, const std::string& name, YAML::Node& root,
                  Case& one) {
    for (std::size_t p = 0; p < axis.paths.size(); ++p) {
      const auto value = axis.value(i, p);
      const std::string owner = case_of_path(root_, axis.paths[p].path);
      if (!value || (!owner.empty() && owner != name)) continue;
      one.point.emplace_back(axis.paths[p].path, value_text(*value));
      set_path(root, axis.paths[p].path, *value, file_, axis.paths[p].line, faults_);
    }
  }

  Common reread_common(const YAML::Node& root) {
    MapReader reader(Value(root, file_, "", &faults_));
    return read_common(reader, workloads_, loaded_.variation);
  }

  // What the case is compared with.
  struct Twins {
    std::vector<TokenPolicy> routings;
    std::vector<TwinMatch> dense;
  };

  Twins read_one(const YAML::Node& node, std::size_t index, const Common& common, Case& one) {
    const YAML::Node name = node.IsMap() ? node["name"] : YAML::Node();
    const bool named = name.IsDefined() && name.IsScalar() && !name.Scalar().empty() &&
                       name.Scalar().size() <= kMaxShownName;
    const std::string label = named ? "cases." + name.Scalar() : fmt::format("cases[{}]", index);
    Faults contradictions;
    CaseSpec spec = read_case(Value(node, file_, label, &faults_), common, contradictions, loaded_);
    one.deployment = std::move(spec.deployment);
    one.deployment.sample = loaded_.variation.sample;
    one.name = one.deployment.name;
    one.workload = common.workload;
    for (const Fault& fault : contradictions.all()) {
      if (one.point.empty()) {
        faults_.add(fault);
      } else {
        one.infeasible += (one.infeasible.empty() ? "" : "; ") + fault.path + " = " + fault.value +
                          ": " + fault.allowed;
      }
    }
    if (!one.deployment.model.is_moe() || !one.workload || !faults_.empty()) {
      return {spec.baselines, {}};
    }
    return {spec.baselines, spec.twins.value_or(common.twins)};
  }

  // The document again, resolved. `starts` = the row of each case's first point, and the end.
  std::string resolved_text(const Scenario& scenario,
                            const std::vector<std::size_t>& starts) const {
    const bool sweeps_site = std::ranges::any_of(sweep_.axes, [](const SweepAxis& axis) {
      return std::ranges::any_of(axis.paths, [](const SweptPath& swept) {
        return swept.path == "site" || swept.path.starts_with("site.");
      });
    });
    YAML::Node out;
    out["schema"] = 1;
    out["name"] = scenario.name;
    if (!scenario.question.empty()) out["question"] = scenario.question;
    out["seed"] = scenario.seed;
    if (!sweeps_site) out["site"] = resolved_site(common_.site);
    if (sweeps_site && root_["site"].IsDefined()) out["site"] = YAML::Clone(root_["site"]);
    out["workload"] = YAML::Clone(root_["workload"]);
    for (const char* key : {"quality", "twins", "demand"}) {
      if (root_[key].IsDefined()) out[key] = YAML::Clone(root_[key]);
    }
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      const std::span<const Case> rows(scenario.cases);
      out["cases"].push_back(
          resolved_points(root_["cases"][i], rows.subspan(starts[i], starts[i + 1] - starts[i])));
    }
    if (!sweep_.axes.empty()) out["sweep"] = YAML::Clone(sweep_.given);
    YAML::Emitter text;
    text << out;
    return std::string(text.c_str()) + "\n";
  }

  OpenDocument open_;
  std::string file_;
  Faults& faults_;
  YAML::Node root_;
  Sweep sweep_;
  std::optional<PointFilter> filter_;
  ReaderOptions options_;
  RowKeys keys_;
  std::int64_t num_rows_ = 0;
  Common common_;
  Workloads workloads_;
  LoadedSpecs loaded_;
};

YAML::Node setting_value(const Setting& setting) {
  if (setting.value.empty() || setting.value == "~" || setting.value == "null") {
    throw InputError({{kSetOption, 0, setting.path, setting.value, "a value expected"}});
  }
  return parse_document(setting.value, std::string(kSetOption) + " " + setting.path);
}

// Opens the text again and again: the same document every time.
OpenDocument opener(const std::string& text, const std::string& file,
                    const std::vector<Setting>& settings) {
  std::vector<YAML::Node> values;
  for (const Setting& setting : settings) values.push_back(setting_value(setting));
  const auto drawn = std::make_shared<DrawnSamples>();
  return [=](Faults& faults) {
    Document document{parse_document(text, file), {}};
    for (std::size_t i = 0; i < settings.size(); ++i) {
      drop_swept(document.root, settings[i].path);
      set_path(document.root, settings[i].path, unplaced(values[i]), kSetOption, 0, faults);
    }
    document.sweep = take_sweep(document.root, file, *drawn, faults);
    return document;
  };
}

void refuse_unless_map(const std::string& text, const std::string& file) {
  if (!parse_document(text, file).IsMap()) {
    throw InputError({{file, 1, "", "", "a scenario is a map that starts with schema: 1"}});
  }
}

Scenario read_rows(const std::string& text, const std::string& file,
                   const std::vector<Setting>& settings, const ReaderOptions& options) {
  refuse_unless_map(text, file);
  Faults faults;
  Scenario scenario = ScenarioReader(opener(text, file, settings), file, faults, options).read();
  if (!faults.empty()) throw InputError(for_reading(faults, file, !settings.empty()));
  scenario.text = text;
  scenario.settings = settings;
  return scenario;
}

}  // namespace

Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const std::vector<Setting>& settings, const ReadOptions& options) {
  return read_rows(text, file, settings, {options, kEveryRow});
}

Scenario read_scenario(const std::string& file, const std::vector<Setting>& settings,
                       const ReadOptions& options) {
  return read_scenario_text(read_file(file), file, settings, options);
}

std::vector<Case> read_row(const Scenario& scenario, std::int64_t row, const Variation& variation) {
  ReaderOptions options;
  options.read.variation = variation;
  options.read.most_points = std::numeric_limits<std::int64_t>::max();
  options.row = row;
  return read_rows(scenario.text, scenario.file, scenario.settings, options).cases;
}

double count_points(const std::string& text, const std::string& file,
                    const std::vector<Setting>& settings) {
  refuse_unless_map(text, file);
  Faults faults;
  const OpenDocument open = opener(text, file, settings);
  const Document document = open(faults);
  return faults.empty() ? num_points(document.sweep.axes) : 0;
}

}  // namespace moesim
