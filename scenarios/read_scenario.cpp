#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/document.h"
#include "hardware/profiles.h"
#include "scenarios/read_case.h"
#include "scenarios/read_workload.h"
#include "scenarios/resolve.h"
#include "scenarios/scenario.h"
#include "scenarios/sweep.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxRows = 10'000;
constexpr std::int64_t kMaxSeed = 1'000'000'000'000;

// germany, or {region: germany, pue: 1.25, carbon: 380 gCO2e/kWh, electricity: 0.11 USD/kWh}.
SiteSpec read_site(const std::optional<Value>& value) {
  if (!value) return load_site("world-average");
  const auto load = [](const Value& name) {
    const auto choice = name.choice(profile_names("sites"));
    return choice ? load_site(profile_names("sites")[*choice]) : SiteSpec{};
  };
  if (!value->is_map()) return load(*value);
  MapReader map(*value);
  const auto region = map.optional("region");
  SiteSpec site = region ? load(*region) : load_site("world-average");
  site.pue = map.number_or("pue", site.pue, 1, 10);
  site.carbon_kg_per_joule =
      map.quantity_or("carbon", Dimension::kCarbonPerEnergy, site.carbon_kg_per_joule);
  site.electricity_usd_per_joule = map.quantity_or("electricity", Dimension::kMoneyPerEnergy,
                                                   site.electricity_usd_per_joule);
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

Common read_common(MapReader& reader) {
  Common common;
  if (const auto schema = reader.required("schema", "schema: 1")) schema->integer(1, 1);
  if (const auto name = reader.required("name", "a name for the report")) {
    common.name = name->text().value_or("");
  }
  common.question = reader.text_or("question", "");
  common.seed = static_cast<std::uint64_t>(reader.integer_or("seed", 0, 0, kMaxSeed));
  common.site = read_site(reader.optional("site"));
  if (const auto workload =
          reader.required("workload", "requests, lengths and a horizon; see the README")) {
    common.workload =
        std::make_shared<const Workload>(read_workload(*workload, common.seed));
  }
  return common;
}

class ScenarioReader {
 public:
  ScenarioReader(YAML::Node root, std::string file, std::vector<SweepAxis> axes, Faults& faults)
      : root_(std::move(root)), file_(std::move(file)), axes_(std::move(axes)), faults_(faults) {}

  Scenario read() {
    MapReader reader(Value(root_, file_, "", &faults_));
    common_ = read_common(reader);
    const auto cases = reader.required("cases", "a list of cases, each with name, model, cluster");
    reader.done();
    Scenario scenario;
    scenario.file = file_;
    scenario.name = common_.name;
    scenario.question = common_.question;
    scenario.seed = common_.seed;
    if (!cases) return scenario;
    const std::vector<Value> items = cases->items();
    if (cases->is_list() && items.empty()) cases->fault("at least one case expected");
    check_names(items);
    check_axes();
    if (!faults_.empty() && items.empty()) return scenario;
    for (std::size_t i = 0; i < items.size(); ++i) expand(i, items[i], scenario);
    if (faults_.empty()) scenario.resolved = resolved_text(scenario);
    return scenario;
  }

 private:
  void check_names(const std::vector<Value>& items) {
    std::set<std::string> seen;
    for (const Value& item : items) {
      const YAML::Node name = item.is_map() ? item.node()["name"] : YAML::Node();
      if (name.IsDefined() && name.IsScalar() && !seen.insert(name.Scalar()).second) {
        item.child(name, "name").fault("another case has this name already");
      }
    }
  }

  // Every axis must lead somewhere, and their product must stay within reason.
  void check_axes() {
    double rows = 1;
    for (const SweepAxis& axis : axes_) {
      rows *= static_cast<double>(std::max<std::size_t>(1, axis.values.size()));
      if (axis.values.empty()) continue;
      YAML::Node scratch = YAML::Clone(root_);
      set_path(scratch, axis.path, axis.values.front(), file_, axis.line, faults_);
    }
    if (rows > static_cast<double>(kMaxRows)) {
      faults_.add({file_, axes_.front().line, "sweep", fmt::format("{:.0f} points", rows),
                   fmt::format("at most {} points in one sweep", kMaxRows)});
    }
    faults_.throw_if_any();
  }

  std::vector<SweepAxis> axes_of(const std::string& name, bool& touches_common) const {
    std::vector<SweepAxis> axes;
    for (const SweepAxis& axis : axes_) {
      const std::string owner = case_of_path(root_, axis.path);
      touches_common = touches_common || owner.empty();
      if (owner.empty() || owner == name) axes.push_back(axis);
    }
    return axes;
  }

  // Adds the case at every point of the axes that concern it.
  void expand(std::size_t index, const Value& item, Scenario& scenario) {
    const YAML::Node name = item.is_map() ? item.node()["name"] : YAML::Node();
    bool touches_common = false;
    const auto axes = axes_of(name.IsDefined() && name.IsScalar() ? name.Scalar() : "",
                              touches_common);
    for (const auto& combination : combinations(axes)) {
      YAML::Node root = axes.empty() ? root_ : YAML::Clone(root_);
      Case one;
      for (std::size_t a = 0; a < axes.size(); ++a) {
        const YAML::Node& value = axes[a].values[combination[a]];
        set_path(root, axes[a].path, value, file_, axes[a].line, faults_);
        one.point.emplace_back(axes[a].path, value_text(value));
      }
      const Common common = touches_common ? reread_common(root) : common_;
      read_one(root["cases"][index], index, common, one);
      scenario.cases.push_back(std::move(one));
    }
  }

  Common reread_common(const YAML::Node& root) {
    MapReader reader(Value(root, file_, "", &faults_));
    return read_common(reader);
  }

  void read_one(const YAML::Node& node, std::size_t index, const Common& common, Case& one) {
    const std::string label = node.IsMap() && node["name"].IsDefined() && node["name"].IsScalar()
                                  ? node["name"].Scalar()
                                  : fmt::format("[{}]", index);
    Faults contradictions;
    one.deployment = read_case(Value(node, file_, "cases." + label, &faults_), common.site,
                               common.seed, contradictions);
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
  }

  // The document again, with every default in place of what was left out.
  std::string resolved_text(const Scenario& scenario) const {
    YAML::Node out;
    out["schema"] = 1;
    out["name"] = scenario.name;
    if (!scenario.question.empty()) out["question"] = scenario.question;
    out["seed"] = scenario.seed;
    out["site"] = resolved_site(common_.site);
    out["workload"] = YAML::Clone(root_["workload"]);
    std::string last;
    for (const Case& one : scenario.cases) {
      if (one.name == last) continue;
      last = one.name;
      out["cases"].push_back(resolved_case(one.deployment));
    }
    for (const SweepAxis& axis : axes_) {
      for (const YAML::Node& value : axis.values) out["sweep"][axis.path].push_back(value);
    }
    YAML::Emitter text;
    text << out;
    return std::string(text.c_str()) + "\n";
  }

  YAML::Node root_;
  std::string file_;
  std::vector<SweepAxis> axes_;
  Faults& faults_;
  Common common_;
};

// One fault may be met at many sweep points; the user reads it once, in the order of the file.
Faults without_repeats(const Faults& faults) {
  std::vector<Fault> all = faults.all();
  std::stable_sort(all.begin(), all.end(),
                   [](const Fault& a, const Fault& b) { return a.line < b.line; });
  Faults unique;
  std::set<std::string> seen;
  for (const Fault& fault : all) {
    if (seen.insert(fault.text()).second) unique.add(fault);
  }
  return unique;
}

}  // namespace

Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const std::vector<Setting>& settings) {
  YAML::Node root = parse_document(text, file);
  Faults faults;
  if (!root.IsMap()) {
    faults.add({file, 1, "", "", "a scenario is a map that starts with schema: 1"});
  }
  faults.throw_if_any();
  for (const Setting& setting : settings) {
    set_path(root, setting.path, parse_document(setting.value, "--set " + setting.path), "--set", 0,
             faults);
  }
  std::vector<SweepAxis> axes = take_sweep(root, file, faults);
  faults.throw_if_any();
  Scenario scenario = ScenarioReader(root, file, std::move(axes), faults).read();
  without_repeats(faults).throw_if_any();
  return scenario;
}

Scenario read_scenario(const std::string& file, const std::vector<Setting>& settings) {
  return read_scenario_text(read_file(file), file, settings);
}

}  // namespace moesim
