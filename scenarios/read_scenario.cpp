#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <span>

#include "base/document.h"
#include "hardware/profiles.h"
#include "scenarios/baseline_twin.h"
#include "scenarios/read_case.h"
#include "scenarios/read_value.h"
#include "scenarios/read_workload.h"
#include "scenarios/resolve.h"
#include "scenarios/scenario.h"
#include "scenarios/sweep.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxRows = 10'000;
constexpr std::int64_t kMaxSeed = 1'000'000'000'000;
constexpr std::size_t kMaxFaults = 50;
constexpr std::size_t kMaxShownName = 100;
constexpr QuantityLimit kMaxCarbon = {100.0 / 3.6e6, "100 kgCO2e/kWh"};
constexpr QuantityLimit kMaxElectricity = {1000.0 / 3.6e6, "1000 USD/kWh"};

// germany, or {region: germany, pue: 1.25, carbon: 380 gCO2e/kWh, electricity: 0.11 USD/kWh}.
SiteSpec read_site(const std::optional<Value>& value, const Variation& variation) {
  std::string region = "world-average";
  const auto name_of = [](const Value& name) {
    const auto choice = name.choice(profile_names("sites"));
    return choice ? profile_names("sites")[*choice] : std::string("world-average");
  };
  if (!value) return load_site(region, variation);
  if (value->is_scalar()) return load_site(name_of(*value), variation);
  auto reader = map_like(*value, "{region: germany, pue: 1.25}");
  if (!reader) return {};
  MapReader& map = *reader;
  if (const auto name = map.optional("region")) region = name_of(*name);
  SiteSpec site = load_site(region, variation);
  // What says no more than the site's profile is as uncertain as the profile.
  const SiteSpec profiled = load_site(region);
  const auto set = [](double given, double stated, double& number) {
    if (given != stated) number = given;
  };
  set(map.number_or("pue", profiled.pue, 1, 10), profiled.pue, site.pue);
  set(quantity_up_to(map, "carbon", Dimension::kCarbonPerEnergy, profiled.carbon_kg_per_joule,
                     kMaxCarbon),
      profiled.carbon_kg_per_joule, site.carbon_kg_per_joule);
  set(quantity_up_to(map, "electricity", Dimension::kMoneyPerEnergy,
                     profiled.electricity_usd_per_joule, kMaxElectricity),
      profiled.electricity_usd_per_joule, site.electricity_usd_per_joule);
  map.done();
  return site;
}

// The document's parts that every case shares.
struct Common {
  std::string name;
  std::string question;
  std::uint64_t seed = 0;
  SiteSpec site;
  std::shared_ptr<const Workload> workload;
};

// Workloads by their text and seed: points of a sweep that share one read and keep it once.
using Workloads = std::map<std::string, std::shared_ptr<const Workload>>;

Common read_common(MapReader& reader, Workloads& workloads, const Variation& variation) {
  Common common;
  const auto schema = reader.required("schema", "schema: 1 expected");
  if (schema && !(schema->is_scalar() && schema->node().Scalar() == "1")) {
    schema->fault("schema: 1 expected; no other is known");
  }
  common.name = report_name(reader);
  common.question = reader.text_or("question", "");
  common.seed = static_cast<std::uint64_t>(reader.integer_or("seed", 0, 0, kMaxSeed));
  common.site = read_site(reader.optional("site"), variation);
  const auto value = reader.required("workload", "a map of requests and lengths expected");
  if (!value) return common;
  const std::uint64_t seed = common.seed + static_cast<std::uint64_t>(variation.sample);
  auto& workload = workloads[std::to_string(seed) + value_text(value->node())];
  if (!workload) {
    workload = std::make_shared<const Workload>(read_workload(*value, seed));
  }
  common.workload = workload;
  return common;
}

// A scenario's text parsed, with the settings in place and the sweep taken out.
struct Document {
  YAML::Node root;
  std::vector<SweepAxis> axes;
};
using OpenDocument = std::function<Document(Faults&)>;

class ScenarioReader {
 public:
  // `open` is called once a sweep point: a copy of a YAML::Node would lose its line numbers.
  ScenarioReader(OpenDocument open, std::string file, Faults& faults, const Variation& variation)
      : open_(std::move(open)), file_(std::move(file)), faults_(faults) {
    loaded_.variation = variation;
  }

  Scenario read() {
    Document document = open_(faults_);
    root_ = document.root;
    axes_ = std::move(document.axes);
    check_axes();
    MapReader reader(Value(root_, file_, "", &faults_));
    common_ = read_common(reader, workloads_, loaded_.variation);
    const auto cases = reader.required("cases", "a list of cases, each with name, model, cluster");
    reader.done();
    Scenario scenario;
    scenario.file = file_;
    scenario.name = common_.name;
    scenario.question = common_.question;
    scenario.seed = common_.seed;
    if (!cases) return scenario;
    if (!cases->is_list() || cases->node().size() == 0) {
      cases->fault("a list of cases expected, each starting with - name:",
                   cases->is_list() ? "an empty list" : "");
      return scenario;
    }
    const std::vector<Value> items = cases->items();
    check_names(items);
    std::vector<std::size_t> starts = {0};
    for (std::size_t i = 0; i < items.size(); ++i) {
      expand(i, items[i], scenario);
      starts.push_back(scenario.cases.size());
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

  // Every axis must lead somewhere, and their product must stay within reason; else there is no
  // sweep and the cases are read as they are, to find what else is wrong.
  void check_axes() {
    const std::size_t before = faults_.all().size();
    double rows = 1;
    for (const SweepAxis& axis : axes_) {
      rows *= static_cast<double>(axis.values.size());
      YAML::Node scratch = YAML::Clone(root_);
      set_path(scratch, axis.path, axis.values.front(), file_, axis.line, faults_);
    }
    if (rows > static_cast<double>(kMaxRows)) {
      faults_.add({file_, axes_.front().line, "sweep", fmt::format("{:.0f} points", rows),
                   fmt::format("at most {} points in one sweep", kMaxRows)});
    }
    if (faults_.all().size() > before) axes_.clear();
  }

  // The numbers of the axes that concern a case.
  std::vector<std::size_t> axes_of(const std::string& name, bool& touches_common) const {
    std::vector<std::size_t> axes;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const std::string owner = case_of_path(root_, axes_[a].path);
      touches_common = touches_common || owner.empty();
      if (owner.empty() || owner == name) axes.push_back(a);
    }
    return axes;
  }

  // Adds the case at every point of the axes that concern it.
  void expand(std::size_t index, const Value& item, Scenario& scenario) {
    const YAML::Node name = item.is_map() ? item.node()["name"] : YAML::Node();
    bool touches_common = false;
    const auto axes =
        axes_of(name.IsDefined() && name.IsScalar() ? name.Scalar() : "", touches_common);
    std::vector<std::size_t> sizes;
    for (const std::size_t a : axes) sizes.push_back(axes_[a].values.size());
    for (const auto& combination : combinations(sizes)) {
      Document document = axes.empty() ? Document{root_, {}} : open_(faults_);
      Case one;
      for (std::size_t i = 0; i < axes.size(); ++i) {
        const SweepAxis& axis = document.axes[axes[i]];
        const YAML::Node& value = axis.values[combination[i]];
        one.point.emplace_back(axis.path, value_text(value));
        set_path(document.root, axis.path, value, file_, axis.line, faults_);
      }
      const Common common = touches_common ? reread_common(document.root) : common_;
      const auto baselines = read_one(document.root["cases"][index], index, common, one);
      scenario.cases.push_back(one);
      for (const TokenPolicy policy : baselines)
        scenario.cases.push_back(baseline_twin(one, policy));
    }
  }

  Common reread_common(const YAML::Node& root) {
    MapReader reader(Value(root, file_, "", &faults_));
    return read_common(reader, workloads_, loaded_.variation);
  }

  // Returns the baselines that the case is compared with.
  std::vector<TokenPolicy> read_one(const YAML::Node& node, std::size_t index, const Common& common,
                                    Case& one) {
    const YAML::Node name = node.IsMap() ? node["name"] : YAML::Node();
    const bool named = name.IsDefined() && name.IsScalar() && !name.Scalar().empty() &&
                       name.Scalar().size() <= kMaxShownName;
    const std::string label = named ? "cases." + name.Scalar() : fmt::format("cases[{}]", index);
    Faults contradictions;
    CaseSpec spec = read_case(Value(node, file_, label, &faults_), common.site, common.seed,
                              contradictions, loaded_);
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
    return spec.baselines;
  }

  // The document again, resolved. `starts` = the row of each case's first point, and the end.
  std::string resolved_text(const Scenario& scenario,
                            const std::vector<std::size_t>& starts) const {
    const bool sweeps_site = std::any_of(axes_.begin(), axes_.end(), [](const SweepAxis& axis) {
      return axis.path == "site" || axis.path.starts_with("site.");
    });
    YAML::Node out;
    out["schema"] = 1;
    out["name"] = scenario.name;
    if (!scenario.question.empty()) out["question"] = scenario.question;
    out["seed"] = scenario.seed;
    if (!sweeps_site) out["site"] = resolved_site(common_.site);
    if (sweeps_site && root_["site"].IsDefined()) out["site"] = YAML::Clone(root_["site"]);
    out["workload"] = YAML::Clone(root_["workload"]);
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      const std::span<const Case> rows(scenario.cases);
      out["cases"].push_back(
          resolved_points(root_["cases"][i], rows.subspan(starts[i], starts[i + 1] - starts[i])));
    }
    for (const SweepAxis& axis : axes_) {
      for (const YAML::Node& value : axis.values) {
        out["sweep"][axis.path].push_back(YAML::Clone(value));
      }
    }
    YAML::Emitter text;
    text << out;
    return std::string(text.c_str()) + "\n";
  }

  OpenDocument open_;
  std::string file_;
  Faults& faults_;
  YAML::Node root_;
  std::vector<SweepAxis> axes_;
  Common common_;
  Workloads workloads_;
  LoadedSpecs loaded_;
};

constexpr const char* kSetOption = "--set";

// One fault may be met at many sweep points; the user reads it once, in the order of the file.
// Faults of other files (a trace) come last, those on no line first: only a setting lies on none.
std::vector<Fault> for_reading(const Faults& faults, const std::string& file, bool has_settings) {
  std::vector<Fault> all = faults.all();
  for (Fault& fault : all) {
    if (has_settings && fault.line == 0 && fault.file == file) fault.file = kSetOption;
  }
  const auto key = [&](const Fault& fault) {
    return std::pair(fault.file != file && fault.file != kSetOption, fault.line);
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Fault& a, const Fault& b) { return key(a) < key(b); });
  std::vector<Fault> unique;
  std::set<std::string> seen;
  for (const Fault& fault : all) {
    if (seen.insert(fault.text()).second) unique.push_back(fault);
  }
  if (unique.size() > kMaxFaults) {
    const std::size_t more = unique.size() - kMaxFaults;
    unique.resize(kMaxFaults);
    unique.push_back({file, 0, "", "", fmt::format("and {} more faults", more)});
  }
  return unique;
}

YAML::Node setting_value(const Setting& setting) {
  if (setting.value.empty() || setting.value == "~" || setting.value == "null") {
    throw InputError({{kSetOption, 0, setting.path, setting.value, "a value expected"}});
  }
  return parse_document(setting.value, std::string(kSetOption) + " " + setting.path);
}

}  // namespace

Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const std::vector<Setting>& settings, const Variation& variation) {
  if (!parse_document(text, file).IsMap()) {
    throw InputError({{file, 1, "", "", "a scenario is a map that starts with schema: 1"}});
  }
  std::vector<YAML::Node> values;
  for (const Setting& setting : settings) values.push_back(setting_value(setting));
  const auto open = [&](Faults& faults) {
    Document document{parse_document(text, file), {}};
    document.axes = take_sweep(document.root, file, faults);
    for (std::size_t i = 0; i < settings.size(); ++i) {
      set_path(document.root, settings[i].path, unplaced(values[i]), kSetOption, 0, faults);
      std::erase_if(document.axes,
                    [&](const SweepAxis& axis) { return same_path(axis.path, settings[i].path); });
    }
    return document;
  };
  Faults faults;
  Scenario scenario = ScenarioReader(open, file, faults, variation).read();
  if (!faults.empty()) throw InputError(for_reading(faults, file, !settings.empty()));
  return scenario;
}

Scenario read_scenario(const std::string& file, const std::vector<Setting>& settings,
                       const Variation& variation) {
  return read_scenario_text(read_file(file), file, settings, variation);
}

}  // namespace moesim
