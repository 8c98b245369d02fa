#include "scenarios/format/read_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <stdexcept>

#include "hardware/network/cluster_check.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "models/quantisation/apply_formats.h"
#include "models/spec/model_formats.h"
#include "scenarios/format/keys/case_keys.h"
#include "scenarios/format/keys/cluster_keys.h"
#include "scenarios/format/keys/model_keys.h"
#include "scenarios/format/keys/parallel_keys.h"
#include "scenarios/format/keys/placement_keys.h"
#include "scenarios/format/read_engine.h"
#include "scenarios/format/read_faults.h"
#include "scenarios/format/read_quality.h"
#include "scenarios/format/read_value.h"
#include "sim/deployment/expert_placement.h"
#include "sim/network/stage_collectives.h"

namespace moesim {
namespace {

// Loads by name, once; a name that is not known becomes a fault at the value, a fault inside the
// file stays with the file.
template <class Spec, class Load>
Spec load_named(const Value& value, Load load, std::map<std::string, MadeOf<Spec>>& loaded) {
  const auto text = value.text();
  if (!text) return {};
  const std::string name = name_or_file_beside(value, *text);
  try {
    return made_once(loaded, name, [&] { return load(name); });
  } catch (const InputError& e) {
    refuse(value, e);
    return {};
  }
}

// Names of the keys that a layout gives.
using GivenWidths = std::set<std::string, std::less<>>;

struct CaseReader {
  MapReader reader;
  Faults& contradictions;
  LoadedSpecs& loaded;
  Deployment deployment;
  std::optional<MapReader> sizes = std::nullopt;  // `model:` as a map.
  ModelOverrides overrides = {};                  // Of it, applied after the router's scheme.
  std::vector<TokenPolicy> baselines = {};
  std::size_t earlier = contradictions.all().size();  // Of the cases before.
  bool resized = false;  // Sizes of its own make it another model than the published one.

  void contradiction(const Value& place, const std::string& path, const std::string& shown,
                     const std::string& allowed) {
    contradictions.add({place.file(), place.line(), path, shown, allowed});
  }

  std::optional<Value> value_of(std::string_view key) {
    return moesim::value_of(reader, row_of(case_keys(), key).facts);
  }

  void read_model() {
    const auto value = value_of("model");
    if (!value) return;
    if (!value->is_map()) {
      deployment.model = load_named(*value, load_model, loaded.models);
      return;
    }
    sizes.emplace(*value);
    read_keys(*sizes, model_keys().keys, overrides, {{"name", [this](const auto& name) {
                                                        if (name)
                                                          deployment.model = load_named(
                                                              *name, load_model, loaded.models);
                                                      }}});
    sizes->done();
  }

  // After the router's scheme, because its groups decide which sizes are allowed.
  void apply_sizes() {
    if (!sizes || deployment.model.layers.empty()) return;
    try {
      const std::vector<LayerSpec> published = deployment.model.layers;
      deployment.model = with_overrides(deployment.model, overrides);
      resized = deployment.model.layers != published;
    } catch (const std::invalid_argument& e) {
      const Value& place = sizes->value();
      contradiction(place, place.path(), deployment.model.name, e.what());
    }
  }

  void read_dtypes() {
    DtypePlan& plan = deployment.dtypes;
    plan.kv = deployment.model.kv_dtype;
    const auto value = reader.optional("dtype");
    auto map = value ? open_map(*value, dtype_keys()) : std::nullopt;
    std::optional<Value> modules;
    if (map) {
      read_keys(*map, dtype_keys().keys, plan,
                {{"modules", [&modules](const auto& given) { modules = given; }}});
      map->done();
    }
    if (deployment.model.layers.empty()) return;
    try {
      deployment.model = in_formats(std::move(deployment.model), plan);
    } catch (const InputError& e) {
      refuse(reader.value(), e);
    }
    if (modules) read_modules(*modules);
    if (!map || !map->optional("dispatch")) plan.dispatch = usual_dispatch(deployment.model);
  }

  void read_modules(const Value& modules) {
    FormatRules rules;
    for (const auto& [name, value] : modules.entries()) {
      const auto format = value.word<FormatName>();
      if (!format) continue;
      deployment.dtypes.modules[name] = *format;
      rules.named.push_back({name, value, named_format(*format)});
    }
    apply_modules(rules, modules, deployment.model);
  }

  template <class Spec>
  auto with_variation(Spec (*load)(const std::string&, const Variation&)) const {
    return [this, load](const std::string& name) { return load(name, loaded.variation); };
  }

  void read_cluster() {
    const auto value = value_of("cluster");
    auto map = value ? open_map(*value, cluster_keys()) : std::nullopt;
    if (!map) return;
    ClusterSpec& cluster = deployment.cluster;
    const auto read_node = [&](const std::optional<Value>& node) {
      if (node) cluster.node = load_named(*node, with_variation(load_node), loaded.nodes);
    };
    const auto read_fabric = [&](const std::optional<Value>& fabric) {
      if (fabric) {
        cluster.fabric = load_named(*fabric, with_variation(load_fabric), loaded.fabrics);
      } else if (cluster.nodes > 1 && cluster.node.devices > 0) {
        cluster.fabric = load_fabric("rail-fat-tree", loaded.variation);
      }
    };
    read_keys(*map, cluster_keys().keys, cluster, {{"node", read_node}, {"fabric", read_fabric}});
    map->done();
    if (cluster.node.devices == 0) return;
    if (cluster.devices) take_part(*map);
    for (const ClusterFault& fault : cluster_faults(cluster)) {
      const auto place = map->optional(fault.path);
      contradiction(place.value_or(*value), place ? place->path() : value->path(), fault.value,
                    fault.allowed);
    }
  }

  // Keeps `devices` of the cluster's one node. Requires: the key is given.
  void take_part(MapReader& map) {
    ClusterSpec& cluster = deployment.cluster;
    const Value place = map.optional("devices").value();
    const std::int64_t count = *cluster.devices, all = cluster.node.devices;
    const auto refuse_part = [&](const std::string& allowed) {
      contradiction(place, place.path(), std::to_string(count), allowed);
    };
    if (map.has("nodes")) {
      refuse_part("is a part of one node: leave out this or `nodes`");
    } else if (count > all) {
      refuse_part(fmt::format("at most the {} devices of {}", all, cluster.node.name));
    } else if (count < all) {
      cluster.node = part_of(cluster.node, count);
      cluster.node.facts.push_back(
          {place.path(), fmt::format("{} of the {} devices of {}", count, all, cluster.node.name),
           "the scenario; the host's power is taken in proportion to the devices", "assumption",
           Enters::kEnergy});
    }
  }

  // What follows from the widths that a layout gives: experts over all ranks under attention DP,
  // else sliced by moe_tp; replicas fill the devices there are.
  ParallelPlan completed(ParallelPlan plan, const GivenWidths& given, std::int64_t devices) const {
    const bool is_moe = deployment.model.is_moe();
    if (!given.contains("ep") && is_moe && plan.attention_dp > 1) plan.ep = plan.stage_ranks();
    const bool divides = plan.stage_ranks() % plan.ep == 0;
    if (!given.contains("moe_tp") && is_moe && divides) plan.moe_tp = plan.stage_ranks() / plan.ep;
    if (!given.contains("replicas")) {
      plan.replicas = std::max<std::int64_t>(1, devices / plan.replica_ranks());
    }
    return plan;
  }

  // Without tp, pp and attention_dp: tp takes the devices of a node, or as many of them as divide
  // it and the model's widths, of those the most that use all devices. None = those of the node.
  ParallelPlan with_widest_tp(ParallelPlan plan, const GivenWidths& given,
                              std::int64_t devices) const {
    const std::int64_t per_node = std::max<std::int64_t>(1, deployment.cluster.node.devices);
    const auto with_tp = [&](std::int64_t tp) {
      plan.tp = tp;
      return completed(plan, given, devices);
    };
    std::optional<ParallelPlan> widest;
    for (std::int64_t tp = per_node; tp >= 1 && !deployment.model.layers.empty(); --tp) {
      if (per_node % tp != 0) continue;
      const ParallelPlan tried = with_tp(tp);
      if (!plan_faults(tried, deployment.model, tried.total_ranks(), 0).empty()) continue;
      if (tried.total_ranks() == devices || !given.contains("replicas")) return tried;
      if (!widest) widest = tried;
    }
    return widest ? *widest : with_tp(per_node);
  }

  ParallelPlan read_workers(const std::string& key, std::int64_t devices) {
    const auto value = reader.optional(key);
    auto map = value ? open_map(*value, parallel_keys()) : std::nullopt;
    ParallelPlan plan;
    GivenWidths given;
    if (map) {
      read_keys(*map, parallel_keys().keys, plan);
      for (const Key<ParallelPlan>& row : parallel_keys().keys) {
        if (map->optional(row.name())) given.insert(row.name());
      }
      map->done();
    }
    const bool any = given.contains("tp") || given.contains("pp") || given.contains("attention_dp");
    return any ? completed(plan, given, devices) : with_widest_tp(plan, given, devices);
  }

  // Prefill workers are one unless told; decode workers fill the rest of the cluster.
  void read_plan() {
    std::int64_t devices = deployment.cluster.num_devices();
    if (reader.optional("prefill")) {
      const ParallelPlan prefill = deployment.prefill.emplace(read_workers("prefill", 1));
      const std::int64_t worker = prefill.replica_ranks();
      devices -= worker < devices ? std::min(devices, worker * prefill.replicas) : devices;
    }
    deployment.plan = read_workers("parallel", devices);
  }

  void read_routing() {
    if (const auto value = reader.optional("router")) baselines = read_router(*value, deployment);
  }

  void read_placement() {
    if (const auto value = reader.optional("placement")) {
      read_map(*value, placement_keys(), deployment.placement);
    }
  }

  // Of the scenario, else published. A model of other sizes is assumed to have read as much.
  void read_training(const std::optional<TrainingTokens>& common) {
    const auto value = reader.optional("quality");
    const auto own = value ? read_quality(*value) : std::nullopt;
    TrainingTokens& training = deployment.training;
    if (own || common) {
      training = own ? *own : *common;
      return;
    }
    training = training_tokens_of(deployment.model);
    if (!resized || training.assumed()) return;
    training.source = "as the published model: " + training.source;
    training.confidence = "borrowed";
  }

  std::optional<std::vector<TwinMatch>> read_own_twins() {
    const auto value = reader.optional("twins");
    if (!value) return std::nullopt;
    const std::vector<TwinMatch> twins = read_twins(*value);
    const bool dense = !deployment.model.layers.empty() && !deployment.model.is_moe();
    if (!twins.empty() && dense) {
      value->fault("an MoE model expected: a dense one has no dense twins");
    }
    return twins;
  }

  void read_error() {
    const std::string subject =
        deployment.model.name + " on " + deployment.cluster.node.device.name;
    deployment.error = made_once(loaded.errors, subject,
                                 [&] { return load_serving_error(subject, loaded.variation); });
  }

  void contradict(const char* section, const PlanFault& fault) {
    const Value place = closest(reader.value(), section, fault.path);
    contradiction(place, place.path(), fault.value, fault.allowed);
  }

  // The way out for a plan that needs other devices than the cluster has; else "".
  std::string part_remedy(std::int64_t ranks) const {
    const NodeSpec& node = deployment.cluster.node;
    const std::int64_t whole = node.wired_devices();
    if (ranks < 1) return "";
    if (ranks < whole) {
      return fmt::format("; for {} of the {} devices of {} set cluster.devices: {}{}", ranks, whole,
                         node.name, ranks,
                         deployment.cluster.nodes > 1 ? " and leave out cluster.nodes" : "");
    }
    if (ranks <= deployment.cluster.num_devices()) return "";
    if (ranks == whole) return "; leave out cluster.devices";
    if (node.nics < 1) return "";
    if (ranks % whole != 0) return fmt::format("; nodes have {} each", whole);
    return fmt::format("; it needs {0} nodes: set cluster.nodes: {0}", ranks / whole);
  }

  // Whether the file says it, and not another width that it follows from.
  bool is_given(const char* section, const std::string& width) const {
    const YAML::Node map = reader.value().node()[section];
    return map.IsDefined() && map.IsMap() && map[width].IsDefined();
  }

  // A width that follows from others needs no message beside theirs.
  std::vector<PlanFault> without_consequences(const char* section,
                                              std::vector<PlanFault> faults) const {
    const auto given = [&](const PlanFault& fault) {
      return fault.path == "redundant_experts" || is_given(section, fault.path);
    };
    if (std::ranges::any_of(faults, given)) std::erase_if(faults, std::not_fn(given));
    return faults;
  }

  void check_workers(const char* section, const ParallelPlan& plan,
                     const std::vector<PlanFault>& faults) {
    for (PlanFault fault : without_consequences(section, faults)) {
      fault.allowed += part_remedy(fault.ranks);
      contradict(fault.path == "redundant_experts" ? "placement" : section, fault);
    }
    const std::int64_t nodes = placement_nodes(plan, deployment.cluster.node.devices);
    for (const PlanFault& fault :
         placement_faults(deployment.placement, deployment.model, plan, nodes)) {
      contradict("placement", fault);
    }
  }

  // Needs a cluster and a plan without faults of their own.
  void check_all_reduce() {
    if (deployment.all_reduce == AllReduce::kAuto || contradictions.all().size() > earlier) return;
    const std::string fault = all_reduce_fault(deployment);
    if (fault.empty()) return;
    contradict("engine", {"all_reduce", word_of(deployment.all_reduce), fault});
  }

  // Of the numbers as they are stated: a sample may draw a higher idle power.
  void check_power_limit() {
    const auto value = reader.optional("power_limit");
    const DeviceSpec& device = deployment.cluster.node.device;
    const Watts least = device.waiting_power();
    const bool is_read = deployment.power_limit > Watts(0);
    if (!value || !is_read || !loaded.variation.as_stated() || deployment.power_limit >= least) {
      return;
    }
    value->fault(fmt::format("at least {:.4g} W, which {} draws while it waits", least.value(),
                             device.name));
  }

  void check_plan() {
    const ModelSpec& model = deployment.model;
    const std::int64_t per_node = deployment.cluster.node.devices;
    if (model.layers.empty() || per_node == 0) return;
    const std::int64_t redundant = deployment.placement.redundant_experts;
    const std::int64_t devices = deployment.cluster.num_devices();
    if (deployment.prefill) {
      const PoolFaults faults =
          pool_faults(*deployment.prefill, deployment.plan, model, devices, redundant);
      check_workers("prefill", *deployment.prefill, faults.prefill);
      check_workers("parallel", deployment.plan, faults.decode);
    } else {
      check_workers("parallel", deployment.plan,
                    plan_faults(deployment.plan, model, devices, redundant));
    }
    check_all_reduce();
    const bool may_be_low_latency = deployment.dispatch == DispatchPolicy::kAuto ||
                                    deployment.dispatch == DispatchPolicy::kLowLatency;
    if (deployment.combine == CombineFormat::kLogFmt10 && !may_be_low_latency) {
      contradict("engine", {"combine", word_of(deployment.combine),
                            "bf16: only low-latency dispatch combines in logfmt10"});
    }
  }
};

}  // namespace

CaseSpec read_case(const Value& value, const Common& common, Faults& contradictions,
                   LoadedSpecs& loaded) {
  const ReadLog log;
  CaseReader reader{MapReader(value), contradictions, loaded, {}};
  Deployment& deployment = reader.deployment;
  deployment.site = common.site;
  deployment.seed = common.seed;
  read_keys(reader.reader, case_keys(), deployment);
  reader.read_model();
  reader.read_routing();
  reader.apply_sizes();
  reader.read_dtypes();
  reader.read_cluster();
  reader.read_plan();
  reader.read_placement();
  read_engine(reader.reader.optional("engine"), loaded.variation, loaded.engines, deployment);
  reader.read_error();
  if (const auto faults = reader.reader.optional("faults")) {
    read_faults(*faults, contradictions, deployment);
  }
  reader.read_training(common.training);
  auto twins = reader.read_own_twins();
  reader.reader.done();
  reader.check_plan();
  reader.check_power_limit();
  check_routing(value, deployment, contradictions, loaded.checked);
  return {std::move(deployment), std::move(reader.baselines), std::move(twins), log.files()};
}

}  // namespace moesim
