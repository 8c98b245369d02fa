#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/document.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/make/make_bank.h"
#include "scenarios/cases/baseline_twin.h"
#include "scenarios/cases/dense_twin_case.h"
#include "scenarios/cases/row_key.h"
#include "scenarios/cases/scenario.h"
#include "scenarios/cases/scenario_source.h"
#include "scenarios/format/fault_order.h"
#include "scenarios/format/key_advice.h"
#include "scenarios/format/read_case.h"
#include "scenarios/format/read_common.h"
#include "scenarios/format/resolve.h"
#include "scenarios/sweep/axes.h"
#include "scenarios/sweep/paths.h"
#include "scenarios/sweep/point_filter.h"

namespace moesim {
namespace {

constexpr std::size_t kMaxShownName = 100;

// Workloads kept for points to share; in large sweeps all of them would fill the memory.
constexpr std::size_t kMostSharedWorkloads = 64;
constexpr std::int64_t kPointsPerSign = 128;
// More need not be found in a large sweep.
constexpr std::size_t kMostFaults = 10'000;

constexpr const char* kFaultsNeedEnd =
    "with a number of requests or workload.horizon: with faults, figures never become steady";

constexpr std::int64_t kEveryRow = -1;

struct ReaderOptions {
  ReadOptions read;
  std::int64_t row = kEveryRow;
};

class ScenarioReader {
 public:
  ScenarioReader(ScenarioSource& source, std::string file, Faults& faults,
                 const ReaderOptions& options)
      : source_(source),
        file_(std::move(file)),
        faults_(faults),
        root_(source.root()),
        sweep_(source.sweep()),
        options_(options),
        loaded_(options.read.variation.as_stated() ? source.loaded() : drawn_),
        workloads_(options.read.variation.as_stated() ? source.workloads() : drawn_workloads_) {
    loaded_.variation = options.read.variation;
  }

  Scenario read() {
    for (const Fault& fault : source_.faults().all()) faults_.add(fault);
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
    scenario.confidence = common_.confidence;
    scenario.demand = common_.demand;
    if (!cases) return scenario;
    if (!cases->is_list() || cases->node().size() == 0) {
      cases->fault("a list of cases expected, each starting with - name:",
                   cases->is_list() ? "an empty list" : "");
      return scenario;
    }
    const std::vector<Value> items = cases->items();
    names_differ_ = check_names(items);
    check_reference(items);
    is_large_ = num_points(sweep_.axes) > static_cast<double>(options_.read.most_whole);
    for (std::size_t i = 0; i < items.size(); ++i) {
      resolved_.emplace_back(root_["cases"][i]);
      expand(i, items[i], scenario);
    }
    if (options_.row != kEveryRow) return scenario;
    if (faults_.empty() && scenario.rows.empty()) {
      faults_.add({file_, sweep_.line, "sweep.where", "", "no point meets the conditions"});
    }
    if (faults_.empty()) scenario.resolved = resolved_text();
    return scenario;
  }

 private:
  // Whether no two cases have one name.
  bool check_names(const std::vector<Value>& items) {
    std::set<std::string> seen;
    bool differ = true;
    for (const Value& item : items) {
      const YAML::Node name = item.is_map() ? item.node()["name"] : YAML::Node();
      if (!name.IsDefined() || !name.IsScalar()) continue;
      if (!seen.insert(name.Scalar()).second) {
        item.child(name, "name").fault("another case has this name already");
        differ = false;
      } else if (is_top_level_key(name.Scalar())) {
        item.child(name, "name").fault("a name that is no key of the scenario expected");
      }
    }
    return differ;
  }

  // A sweep may name cases anew, and twins have names of their own: rows of one name, but of
  // different cases, could not be told apart.
  void check_row_name(const CaseRow& row, std::size_t index, int line) {
    if (!names_differ_ || row.name.empty()) return;
    const std::pair owner(index, row.twin == 0);
    const auto [known, is_new] = row_names_.try_emplace(row.name, owner);
    if (is_new || known->second == owner) return;
    faults_.add({file_, line, "cases.name", row.name,
                 "a name that no row of another case and no twin has expected"});
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
    for (const SweepAxis& axis : sweep_.axes) {
      owners_.emplace_back();
      for (const SweptPath& path : axis.paths) {
        owners_.back().push_back(case_of_path(root_, path.path));
      }
    }
  }

  // The numbers of the axes that concern a case.
  std::vector<std::size_t> axes_of(const std::string& name, bool& touches_common) const {
    std::vector<std::size_t> axes;
    for (std::size_t a = 0; a < sweep_.axes.size(); ++a) {
      bool concerns = false;
      for (const std::string& owner : owners_[a]) {
        touches_common = touches_common || owner.empty();
        concerns = concerns || owner.empty() || owner == name;
      }
      if (concerns) axes.push_back(a);
    }
    return axes;
  }

  // What the case is compared with, and the files that were read for it.
  struct Twins {
    std::vector<TokenPolicy> routings;
    std::vector<TwinMatch> dense;
    FileReads files;
  };

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
    for (std::size_t point = 0; point < points && faults_.all().size() < kMostFaults; ++point) {
      const std::int64_t row = num_rows_++;
      if (options_.row != kEveryRow && options_.row != row) continue;
      if (options_.read.progress && row % kPointsPerSign == 0) {
        options_.read.progress(row, num_points(sweep_.axes));
      }
      Case one;
      one.row = row;
      const YAML::Node& root =
          axes.empty() ? root_ : document_at(axes, point_at(sizes, point), name, one);
      if (touches_common) common_here_ = reread_common(root);
      const Common& common = touches_common ? common_here_ : common_;
      const Twins twins = read_one(root["cases"][index], index, common, one);
      if (!filter_->passes(name, root, one.deployment)) continue;
      if (options_.row == kEveryRow) {
        if (!sweep_.axes.empty()) {
          one.key = keys_.key(root, index, common.files, twins.files, touches_common);
        }
        if (faults_.empty()) resolved_.back().add(one.deployment);
      }
      const std::size_t before = scenario.rows.size();
      add(std::move(one), twins, scenario);
      if (name.empty()) continue;
      const int line = root["cases"][index]["name"].Mark().line + 1;
      for (std::size_t i = before; i < scenario.rows.size(); ++i) {
        check_row_name(scenario.rows[i], index, line);
      }
    }
  }

  void add(Case one, const Twins& twins, Scenario& scenario) {
    std::vector<Case> all;
    all.reserve(1 + twins.routings.size() + twins.dense.size());
    all.push_back(std::move(one));
    for (const TokenPolicy policy : twins.routings) {
      all.push_back(baseline_twin(all.front(), policy));
    }
    for (const TwinMatch match : twins.dense) {
      all.push_back(dense_twin_case(all.front(), match, loaded_.variation));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      Case& made = all[i];
      made.twin = static_cast<std::int64_t>(i);
      made.model = made.deployment.model.name;
      made.is_moe = made.deployment.model.is_moe();
      if (options_.row == kEveryRow) {
        if (!made.key.empty() && faults_.empty()) made.bank = bank_of(made);
        scenario.rows.push_back(made);
      }
      if (!is_large_) scenario.cases.push_back(std::move(made));
    }
  }

  static BankName bank_of(const Case& one) {
    const Deployment& made = one.deployment;
    const bool can_share =
        one.infeasible.empty() && made.model.is_moe() && can_share_work(made.tokens);
    return can_share ? bank_name(made.model, made.tokens, made.seed) : BankName{};
  }

  // The document with what the axes' values say of this case and of all cases.
  const YAML::Node& document_at(const std::vector<std::size_t>& axes,
                                const std::vector<std::size_t>& values, const std::string& name,
                                Case& one) {
    std::vector<PointDocument::Change> changes;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const SweepAxis& axis = sweep_.axes[axes[i]];
      for (std::size_t p = 0; p < axis.paths.size(); ++p) {
        const std::string& owner = owners_[axes[i]][p];
        if (!owner.empty() && owner != name) continue;
        const auto value = axis.value(values[i], p);
        if (!value) continue;
        one.point.emplace_back(axis.paths[p].path, value_text(*value));
        changes.push_back({axis.paths[p].path, *value, axis.paths[p].line});
      }
    }
    return source_.points().with(changes, faults_);
  }

  Common reread_common(const YAML::Node& root) {
    if (is_large_ && workloads_.size() >= kMostSharedWorkloads) workloads_.clear();
    MapReader reader(Value(root, file_, "", &faults_));
    return read_common(reader, workloads_, loaded_.variation);
  }

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
    if (one.workload && one.workload->precision && !one.deployment.faults.empty()) {
      contradictions.add({file_, node.Mark().line + 1, label + ".faults", "given", kFaultsNeedEnd});
    }
    for (const Fault& fault : contradictions.all()) {
      if (one.point.empty()) {
        faults_.add(fault);
      } else {
        one.infeasible += (one.infeasible.empty() ? "" : "; ") + fault.path + " = " + fault.value +
                          ": " + fault.allowed;
      }
    }
    if (!one.deployment.model.is_moe() || !one.workload || !faults_.empty()) {
      return {spec.baselines, {}, std::move(spec.files)};
    }
    return {spec.baselines, spec.twins.value_or(common.twins), std::move(spec.files)};
  }

  // The document again, resolved.
  std::string resolved_text() const {
    const bool sweeps_site = std::ranges::any_of(sweep_.axes, [](const SweepAxis& axis) {
      return std::ranges::any_of(axis.paths, [](const SweptPath& swept) {
        return swept.path == "site" || swept.path.starts_with("site.");
      });
    });
    YAML::Node out;
    out["schema"] = kSchemaVersion;
    write_keys(scenario_keys(), common_, out);
    if (!sweeps_site) out["site"] = resolved_site(common_.site);
    if (sweeps_site && root_["site"].IsDefined()) out["site"] = YAML::Clone(root_["site"]);
    out["workload"] = resolved_workload(root_["workload"]);
    for (const char* key : {"quality", "twins", "demand"}) {
      if (root_[key].IsDefined()) out[key] = YAML::Clone(root_[key]);
    }
    for (const ResolvedPoints& points : resolved_) out["cases"].push_back(points.node());
    if (!sweep_.axes.empty()) out["sweep"] = YAML::Clone(sweep_.given);
    YAML::Emitter text;
    text << out;
    return std::string(text.c_str()) + "\n";
  }

  ScenarioSource& source_;
  std::string file_;
  Faults& faults_;
  YAML::Node root_;
  Sweep sweep_;
  std::vector<std::vector<std::string>> owners_;  // [axis][path]: the case; "" = all cases.
  std::optional<PointFilter> filter_;
  ReaderOptions options_;
  RowKeys keys_;
  std::int64_t num_rows_ = 0;
  bool names_differ_ = true;
  std::map<std::string, std::pair<std::size_t, bool>> row_names_;  // Of a case; the case itself.
  bool is_large_ = false;                 // Only the rows are kept, not their cases.
  std::vector<ResolvedPoints> resolved_;  // [case]
  Common common_;
  Common common_here_;  // At this point.
  LoadedSpecs drawn_;
  Workloads drawn_workloads_;
  LoadedSpecs& loaded_;
  Workloads& workloads_;
};

Scenario read_rows(const std::shared_ptr<ScenarioSource>& source, const std::string& file,
                   bool has_settings, const ReaderOptions& options) {
  Faults faults(key_advice());
  Scenario scenario = ScenarioReader(*source, file, faults, options).read();
  if (!faults.empty()) throw InputError(for_reading(faults, file, has_settings));
  return scenario;
}

}  // namespace

Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const std::vector<Setting>& settings, const ReadOptions& options) {
  const auto source = open_source(text, file, settings);
  Scenario scenario = read_rows(source, file, !settings.empty(), {options, kEveryRow});
  scenario.text = text;
  scenario.settings = settings;
  scenario.source = source;
  return scenario;
}

Scenario read_scenario(const std::string& file, const std::vector<Setting>& settings,
                       const ReadOptions& options) {
  return read_scenario_text(read_file(file, kMostDocumentBytes), file, settings, options);
}

std::vector<Case> read_row(const Scenario& scenario, std::int64_t row, const Variation& variation) {
  ReaderOptions options;
  options.read.variation = variation;
  options.read.most_points = std::numeric_limits<std::int64_t>::max();
  options.row = row;
  const auto source = scenario.source
                          ? scenario.source
                          : open_source(scenario.text, scenario.file, scenario.settings);
  return read_rows(source, scenario.file, !scenario.settings.empty(), options).cases;
}

Case read_twin(const Scenario& scenario, std::int64_t row, std::int64_t twin,
               const Variation& variation) {
  std::vector<Case> cases = read_row(scenario, row, variation);
  if (twin >= std::ssize(cases)) {
    throw InputError({{scenario.file, 0, "", "",
                       "the files that it names are no longer as they were when the run began"}});
  }
  return std::move(cases[static_cast<std::size_t>(twin)]);
}

Case whole_case(const Scenario& scenario, std::size_t i) {
  if (i < scenario.cases.size()) return scenario.cases[i];
  return read_twin(scenario, scenario.rows[i].row, scenario.rows[i].twin, {});
}

double count_points(const std::string& text, const std::string& file,
                    const std::vector<Setting>& settings) {
  const auto source = open_source(text, file, settings);
  return source->faults().empty() ? num_points(source->sweep().axes) : 0;
}

}  // namespace moesim
