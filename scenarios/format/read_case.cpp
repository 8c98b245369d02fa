#include "scenarios/format/read_case.h"

#include <fmt/format.h>

#include <stdexcept>

#include "hardware/network/cluster_check.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "scenarios/format/read_engine.h"
#include "scenarios/format/read_faults.h"
#include "scenarios/format/read_value.h"
#include "sim/deployment/expert_placement.h"
#include "sim/network/stage_collectives.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxWidth = 1'000'000;
constexpr std::int64_t kMaxSteps = 1'000'000'000;
constexpr std::int64_t kMaxNodes = 100'000;  // A torus joins nodes of one device each.
constexpr QuantityLimit kMaxPower = {1e5, "100 kW"};
constexpr QuantityLimit kMaxRent = {1e6, "1000000 USD/h"};

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

struct CaseReader {
  MapReader reader;
  Faults& contradictions;
  LoadedSpecs& loaded;
  Deployment deployment;
  std::optional<MapReader> sizes = std::nullopt;  // Of `model:`, read after the router's scheme.
  std::vector<TokenPolicy> baselines = {};
  std::size_t earlier = contradictions.all().size();  // Of the cases before.
  bool resized = false;  // Sizes of its own make it another model than the published one.

  void contradiction(const Value& place, const std::string& path, const std::string& shown,
                     const std::string& allowed) {
    contradictions.add({place.file(), place.line(), path, shown, allowed});
  }

  std::optional<std::int64_t> override_value(MapReader& map, const std::string& key) {
    const auto value = map.optional(key);
    return value ? value->integer(1, kMaxWidth) : std::nullopt;
  }

  void read_model() {
    const auto value = reader.required("model", "a catalog name or the path of a config.json");
    if (!value) return;
    if (!value->is_map()) {
      deployment.model = load_named(*value, load_model, loaded.models);
      return;
    }
    sizes.emplace(*value);
    const auto name = sizes->required("name", "a catalog name or the path of a config.json");
    if (name) deployment.model = load_named(*name, load_model, loaded.models);
  }

  // After the router's scheme, because its groups decide which sizes are allowed.
  void read_sizes() {
    if (!sizes) return;
    const ModelOverrides overrides{
        override_value(*sizes, "num_experts"), override_value(*sizes, "top_k"),
        override_value(*sizes, "expert_width"), override_value(*sizes, "num_layers")};
    sizes->done();
    if (deployment.model.layers.empty()) return;
    try {
      const std::vector<LayerSpec> published = deployment.model.layers;
      deployment.model = with_overrides(deployment.model, overrides);
      resized = deployment.model.layers != published;
    } catch (const std::invalid_argument& e) {
      const Value& place = sizes->value();
      contradiction(place, place.path(), deployment.model.name, e.what());
    }
  }

  Dtype dtype_or(MapReader& map, const std::string& key, Dtype otherwise) {
    const auto value = map.optional(key);
    if (!value) return otherwise;
    return value->word<Dtype>().value_or(otherwise);
  }

  void read_dtypes() {
    DtypePlan& plan = deployment.dtypes;
    plan.weights = deployment.model.native_dtype;
    plan.experts = deployment.model.native_expert_dtype;
    const auto value = reader.optional("dtype");
    auto map = value ? map_like(*value, "{weights: fp8, kv: bf16}") : std::nullopt;
    if (map && map->optional("weights")) {
      plan.weights = dtype_or(*map, "weights", plan.weights);
      plan.experts = plan.weights;
    }
    plan.dispatch = plan.weights == Dtype::kFp8 ? Dtype::kFp8 : Dtype::kBf16;
    if (!map) return;
    plan.experts = dtype_or(*map, "experts", plan.experts);
    plan.kv = dtype_or(*map, "kv", plan.kv);
    plan.dispatch = dtype_or(*map, "dispatch", plan.dispatch);
    map->done();
  }

  template <class Spec>
  auto with_variation(Spec (*load)(const std::string&, const Variation&)) const {
    return [this, load](const std::string& name) { return load(name, loaded.variation); };
  }

  void read_cluster() {
    const auto value = reader.required("cluster", "{node: dgx-h100, nodes: 1}");
    auto map = value ? map_like(*value, "{node: dgx-h100, nodes: 1}") : std::nullopt;
    if (!map) return;
    const auto node = map->required("node", "a node profile, e.g. dgx-h100");
    ClusterSpec& cluster = deployment.cluster;
    if (node) cluster.node = load_named(*node, with_variation(load_node), loaded.nodes);
    cluster.nodes = map->integer_or("nodes", 1, 1, kMaxNodes);
    if (const auto fabric = map->optional("fabric")) {
      cluster.fabric = load_named(*fabric, with_variation(load_fabric), loaded.fabrics);
    } else if (cluster.nodes > 1 && cluster.node.devices > 0) {
      cluster.fabric = load_fabric("rail-fat-tree", loaded.variation);
    }
    if (const auto routing = map->optional("routing")) {
      cluster.fabric.routing = routing->word<FabricRouting>().value_or(cluster.fabric.routing);
    }
    if (const auto shape = map->optional("shape")) read_shape(*shape, cluster.fabric);
    map->done();
    if (cluster.node.devices == 0) return;
    for (const ClusterFault& fault : cluster_faults(cluster)) {
      const auto place = map->optional(fault.path);
      contradiction(place.value_or(*value), place ? place->path() : value->path(), fault.value,
                    fault.allowed);
    }
  }

  void read_shape(const Value& value, FabricSpec& fabric) {
    if (fabric.kind != FabricKind::kTorus && fabric.kind != FabricKind::kNone) {
      value.fault("only a torus has a shape; leave this out");
      return;
    }
    for (const Value& length : value.items()) {
      fabric.shape.push_back(length.integer(1, kMaxNodes).value_or(1));
    }
  }

  std::int64_t width_or(std::optional<MapReader>& map, const std::string& key,
                        std::int64_t otherwise) {
    return map ? map->integer_or(key, otherwise, 1, kMaxWidth) : otherwise;
  }

  // Absent widths: tp takes the devices of one node unless tp, pp or attention_dp is given; experts
  // follow (ep over all ranks under attention DP, else sliced by moe_tp); replicas fill the
  // devices there are.
  ParallelPlan read_workers(const std::string& key, std::int64_t devices) {
    const auto value = reader.optional(key);
    auto map = value ? map_like(*value, "{tp: 8}") : std::nullopt;
    const bool any = map && (map->has("tp") || map->has("pp") || map->has("attention_dp"));
    ParallelPlan plan;
    plan.tp =
        width_or(map, "tp", any ? 1 : std::max<std::int64_t>(1, deployment.cluster.node.devices));
    plan.pp = width_or(map, "pp", 1);
    plan.attention_dp = width_or(map, "attention_dp", 1);
    const bool is_moe = deployment.model.is_moe();
    plan.ep = width_or(map, "ep", is_moe && plan.attention_dp > 1 ? plan.stage_ranks() : 1);
    const bool divides = plan.stage_ranks() % plan.ep == 0;
    plan.moe_tp = width_or(map, "moe_tp", is_moe && divides ? plan.stage_ranks() / plan.ep : 1);
    plan.replicas =
        width_or(map, "replicas", std::max<std::int64_t>(1, devices / plan.replica_ranks()));
    if (map) map->done();
    return plan;
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
    const auto value = reader.optional("placement");
    auto map = value ? map_like(*value, "{policy: eplb, redundant_experts: 16}") : std::nullopt;
    if (!map) return;
    PlacementSpec& spec = deployment.placement;
    read_word(*map, "policy", spec.policy);
    spec.redundant_experts = map->integer_or("redundant_experts", 0, 0, kMaxWidth);
    read_word(*map, "scope", spec.scope);
    read_word(*map, "replicas", spec.replicas);
    spec.rebalance_steps = map->integer_or("rebalance_steps", 0, 0, kMaxSteps);
    spec.rebalance_gain = map->number_or("rebalance_gain", spec.rebalance_gain, 0, 10);
    read_word(*map, "profile", spec.profile);
    map->done();
  }

  // Of the scenario, else published. A model of other sizes is assumed to have read as much.
  void read_training(const std::optional<TrainingTokens>& common) {
    const auto own = read_quality(reader);
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
    const auto twins = read_twins(reader);
    const bool dense = !deployment.model.layers.empty() && !deployment.model.is_moe();
    if (twins && !twins->empty() && dense) {
      reader.optional("twins")->fault("an MoE model expected: a dense one has no dense twins");
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

  void check_workers(const char* section, const ParallelPlan& plan,
                     const std::vector<PlanFault>& faults) {
    for (const PlanFault& fault : faults) {
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
  deployment.name = report_name(reader.reader);
  reader.read_model();
  reader.read_routing();
  reader.read_sizes();
  reader.read_dtypes();
  reader.read_cluster();
  reader.read_plan();
  reader.read_placement();
  read_engine(reader.reader, loaded.variation, loaded.engines, deployment);
  reader.read_error();
  deployment.power_limit =
      Watts(quantity_up_to(reader.reader, "power_limit", Dimension::kPower, 0, kMaxPower));
  deployment.rent_usd_per_hour =
      quantity_up_to(reader.reader, "rent_per_device", Dimension::kMoneyPerHour, 0, kMaxRent);
  if (const auto faults = reader.reader.optional("faults")) {
    read_faults(*faults, contradictions, deployment);
  }
  reader.read_training(common.training);
  auto twins = reader.read_own_twins();
  reader.reader.done();
  reader.check_plan();
  check_routing(value, deployment, contradictions, loaded.checked);
  return {std::move(deployment), std::move(reader.baselines), std::move(twins), log.files()};
}

}  // namespace moesim
