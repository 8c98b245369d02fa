#include "scenarios/read_case.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "hardware/profiles.h"
#include "models/catalog.h"
#include "scenarios/read_value.h"
#include "scenarios/router_names.h"
#include "sim/expert_placement.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxWidth = 1'000'000;
constexpr std::int64_t kMaxSteps = 1'000'000'000;
constexpr std::int64_t kMaxNodes = 10'000;  // The largest machines built have about this many.
constexpr QuantityLimit kMaxPower = {1e5, "100 kW"};
constexpr QuantityLimit kMaxRent = {1e6, "1000000 USD/h"};

// A name, or a path that may be relative to the scenario's folder.
std::string resolved_name(const Value& value, const std::string& name) {
  if (name.find('/') == std::string::npos && name.find('.') == std::string::npos) return name;
  const auto beside = std::filesystem::path(value.file()).parent_path() / name;
  std::error_code error;
  return std::filesystem::is_regular_file(beside, error) ? beside.string() : name;
}

// Faults about the name itself belong to the value; those inside the file stay there.
void refuse(const Value& value, const InputError& error) {
  for (const Fault& fault : error.faults()) {
    if (fault.file.empty() || fault.line == 0) {
      value.fault(fault.allowed);
    } else {
      value.faults().add(fault);
    }
  }
}

// Loads by name, once; a name that is not known becomes a fault at the value, a fault inside the
// file stays with the file.
template <class Spec, class Load>
Spec load_named(const Value& value, Load load, std::map<std::string, Spec>& loaded) {
  const auto text = value.text();
  if (!text) return {};
  const std::string name = resolved_name(value, *text);
  if (const auto found = loaded.find(name); found != loaded.end()) return found->second;
  try {
    return loaded[name] = load(name);
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
  ServingPolicy profiled = {};  // The engine as its profile states it, before draws and own words.
  std::optional<MapReader> sizes = std::nullopt;  // Of `model:`, read after the router's scheme.
  std::vector<TokenPolicy> baselines = {};

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
      deployment.model = with_overrides(deployment.model, overrides);
    } catch (const std::invalid_argument& e) {
      const Value& place = sizes->value();
      contradiction(place, place.path(), deployment.model.name, e.what());
    }
  }

  Dtype dtype_or(MapReader& map, const std::string& key, Dtype otherwise) {
    const auto value = map.optional(key);
    if (!value) return otherwise;
    std::vector<std::string> names;
    for (const Dtype dtype : kAllDtypes) names.emplace_back(dtype_name(dtype));
    const auto choice = value->choice(names);
    return choice ? kAllDtypes[*choice] : otherwise;
  }

  void read_dtypes() {
    DtypePlan& plan = deployment.dtypes;
    plan.weights = deployment.model.native_dtype;
    plan.experts = deployment.model.native_expert_dtype;
    const auto value = reader.optional("dtype");
    auto map = value ? map_like(*value, "{weights: fp8, kv: bf16}") : std::nullopt;
    if (map && map->has("weights")) {
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
    map->done();
    if (cluster.node.devices == 0) return;
    try {
      check_cluster(cluster);
    } catch (const std::invalid_argument& e) {
      contradiction(*value, value->path(), cluster.node.name, e.what());
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
    if (reader.has("prefill")) {
      const ParallelPlan prefill = deployment.prefill.emplace(read_workers("prefill", 1));
      const std::int64_t worker = prefill.replica_ranks();
      devices -= worker < devices ? std::min(devices, worker * prefill.replicas) : devices;
    }
    deployment.plan = read_workers("parallel", devices);
  }

  void read_routing() {
    if (const auto value = reader.optional("router")) baselines = read_router(*value, deployment);
  }

  template <class Enum, class Words>
  void read_choice(MapReader& map, const std::string& key, const Words& words, Enum& chosen) {
    const auto value = map.optional(key);
    const auto choice = value ? value->choice({words.begin(), words.end()}) : std::nullopt;
    if (choice) chosen = static_cast<Enum>(*choice);
  }

  void read_placement() {
    const auto value = reader.optional("placement");
    auto map = value ? map_like(*value, "{policy: eplb, redundant_experts: 16}") : std::nullopt;
    if (!map) return;
    PlacementSpec& spec = deployment.placement;
    read_choice(*map, "policy", names::kPlacements, spec.policy);
    spec.redundant_experts = map->integer_or("redundant_experts", 0, 0, kMaxWidth);
    read_choice(*map, "scope", names::kScopes, spec.scope);
    read_choice(*map, "replicas", names::kReplicaChoices, spec.replicas);
    spec.rebalance_steps = map->integer_or("rebalance_steps", 0, 0, kMaxSteps);
    spec.rebalance_gain = map->number_or("rebalance_gain", spec.rebalance_gain, 0, 10);
    read_choice(*map, "profile", names::kProfiles, spec.profile);
    map->done();
  }

  // "vllm", "vllm 0.8", "my-engine.yaml 2025-04".
  void load_serving(const Value& value) {
    const auto text = value.text();
    if (!text) return;
    EngineWords words = engine_words(resolved_name(value, *text));
    if (words.release.empty()) words = engine_words(*text);
    words.engine = resolved_name(value, words.engine);
    try {
      use_engine(words);
    } catch (const InputError& e) {
      refuse(value, e);
    }
  }

  void use_engine(const EngineWords& words) {
    const auto policy = [&](std::map<std::string, EngineProfile>& engines, const Variation& draw) {
      auto found = engines.find(words.engine);
      if (found == engines.end()) {
        found = engines.emplace(words.engine, load_engine(words.engine, draw)).first;
      }
      return serving_policy(release_of(found->second, words.release),
                            deployment.cluster.node.device.memory);
    };
    deployment.serving = policy(loaded.engines, loaded.variation);
    profiled = policy(loaded.stated_engines, {});
  }

  // A number of the engine in the scenario's own words. What says no more than the engine's profile
  // rests on the profile as before.
  template <class Number>
  void set_own(const std::string& key, const Number& given, const Number& stated, Number& number) {
    if (given == stated) return;
    number = given;
    deployment.serving.forget(key);
  }

  void set_number(MapReader& map, const std::string& key, std::pair<double, double> bounds,
                  double stated, double& number) {
    if (!map.has(key)) return;
    set_own(key, map.number_or(key, stated, bounds.first, bounds.second), stated, number);
  }

  void set_count(MapReader& map, const std::string& key, std::int64_t max, std::int64_t stated,
                 std::int64_t& count) {
    if (map.has(key)) set_own(key, map.integer_or(key, stated, 1, max), stated, count);
  }

  void set_time(MapReader& map, const std::string& key, Seconds stated, Seconds& time) {
    const auto value = map.optional(key);
    if (!value) return;
    const Seconds given = Seconds(value->quantity(Dimension::kTime, true).value_or(0));
    if (given > Seconds(60)) value->fault("at most 60 s");
    set_own(key, given, stated, time);
  }

  void set_flag(MapReader& map, const std::string& key, bool stated, bool& flag) {
    if (map.has(key)) set_own(key, map.boolean_or(key, stated), stated, flag);
  }

  void read_engine_numbers(MapReader& map) {
    constexpr std::pair kFactor{0.01, 100.0};
    ServingPolicy& own = deployment.serving;
    EngineMemoryRules& rules = own.memory;
    const EngineMemoryRules& limits = profiled.memory;
    set_number(map, "memory_utilization", {0.1, 1}, limits.memory_utilization,
               rules.memory_utilization);
    set_count(map, "max_num_seqs", 65536, limits.max_num_seqs, rules.max_num_seqs);
    set_count(map, "max_batched_tokens", 1 << 20, limits.max_batched_tokens,
              rules.max_batched_tokens);
    set_count(map, "kv_block_tokens", 4096, limits.kv_block_tokens, rules.kv_block_tokens);
    set_flag(map, "chunked_prompts", profiled.chunked_prompts, own.chunked_prompts);
    set_number(map, "reserved_output", {0, 1}, profiled.reserved_output, own.reserved_output);
    set_count(map, "admission_interval", 10000, profiled.admission_interval,
              own.admission_interval);
    set_number(map, "launch_factor", kFactor, profiled.launch_factor, own.launch_factor);
    set_number(map, "eager_factor", kFactor, profiled.eager_factor, own.eager_factor);
    set_number(map, "expert_factor", kFactor, profiled.expert_factor, own.expert_factor);
    set_time(map, "step_time", profiled.step_overhead, own.step_overhead);
    set_time(map, "sequence_time", profiled.sequence_overhead, own.sequence_overhead);
    set_time(map, "request_time", profiled.request_overhead, own.request_overhead);
    set_flag(map, "overlaps_host", profiled.overlaps_host, own.overlaps_host);
    set_flag(map, "cuda_graphs", profiled.cuda_graphs, own.cuda_graphs);
    read_choice(map, "sampling", names::kSampling, deployment.sampling);
    BatchPolicy batch = profiled.batch;
    read_choice(map, "batching", names::kBatching, batch);
    set_own("batching", batch, profiled.batch, own.batch);
  }

  void read_engine() {
    const auto value = reader.optional("engine");
    if (!value || value->is_map()) use_engine({"vllm", ""});
    if (!value) return;
    if (value->is_scalar()) return load_serving(*value);
    auto map = map_like(*value, "{name: vllm 0.8, max_num_seqs: 256}");
    if (!map) return;
    if (const auto name = map->optional("name")) load_serving(*name);
    read_engine_numbers(*map);
    read_choice(*map, "dispatch", names::kDispatch, deployment.dispatch);
    read_choice(*map, "combine", names::kCombine, deployment.combine);
    map->done();
  }

  void read_error() {
    const std::string subject =
        deployment.model.name + " on " + deployment.cluster.node.device.name;
    auto found = loaded.errors.find(subject);
    if (found == loaded.errors.end()) {
      const ModelError error = load_serving_error(subject, loaded.variation);
      found = loaded.errors.emplace(subject, error).first;
    }
    deployment.error = found->second;
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
    const bool may_be_low_latency = deployment.dispatch == DispatchPolicy::kAuto ||
                                    deployment.dispatch == DispatchPolicy::kLowLatency;
    if (deployment.combine == CombineFormat::kLogFmt10 && !may_be_low_latency) {
      contradict("engine", {"combine", names::word(names::kCombine, deployment.combine),
                            "bf16: only low-latency dispatch combines in logfmt10"});
    }
  }
};

}  // namespace

CaseSpec read_case(const Value& value, const SiteSpec& site, std::uint64_t seed,
                   Faults& contradictions, LoadedSpecs& loaded) {
  CaseReader reader{MapReader(value), contradictions, loaded, {}};
  Deployment& deployment = reader.deployment;
  deployment.site = site;
  deployment.seed = seed;
  deployment.name = report_name(reader.reader);
  reader.read_model();
  reader.read_routing();
  reader.read_sizes();
  reader.read_dtypes();
  reader.read_cluster();
  reader.read_plan();
  reader.read_placement();
  reader.read_engine();
  reader.read_error();
  deployment.power_limit =
      Watts(quantity_up_to(reader.reader, "power_limit", Dimension::kPower, 0, kMaxPower));
  deployment.rent_usd_per_hour =
      quantity_up_to(reader.reader, "rent_per_device", Dimension::kMoneyPerHour, 0, kMaxRent);
  reader.reader.done();
  reader.check_plan();
  check_routing(value, deployment, contradictions, loaded.checked);
  return {std::move(deployment), std::move(reader.baselines)};
}

}  // namespace moesim
