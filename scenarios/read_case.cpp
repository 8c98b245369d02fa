#include "scenarios/read_case.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "hardware/profiles.h"
#include "models/catalog.h"
#include "scenarios/read_value.h"

namespace moesim {
namespace {

// Routing this many tokens through the largest models takes minutes and a gigabyte.
constexpr std::int64_t kMaxBankTokens = 65'536;

constexpr std::int64_t kMaxWidth = 1'000'000;
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

// Loads by name, once; a name that is not known becomes a fault at the value, a fault inside the
// file stays with the file.
template <class Spec>
Spec load_named(const Value& value, Spec (*load)(const std::string&),
                std::map<std::string, Spec>& loaded) {
  const auto text = value.text();
  if (!text) return {};
  const std::string name = resolved_name(value, *text);
  if (const auto found = loaded.find(name); found != loaded.end()) return found->second;
  try {
    return loaded[name] = load(name);
  } catch (const InputError& e) {
    for (const Fault& fault : e.faults()) {
      if (fault.file.empty() || fault.line == 0) {
        value.fault(fault.allowed);
      } else {
        value.faults().add(fault);
      }
    }
    return {};
  }
}

struct CaseReader {
  MapReader reader;
  Faults& contradictions;
  LoadedSpecs& loaded;
  Deployment deployment;

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
    MapReader map(*value);
    const auto name = map.required("name", "a catalog name or the path of a config.json");
    const ModelOverrides overrides{override_value(map, "num_experts"), override_value(map, "top_k"),
                                   override_value(map, "expert_width"),
                                   override_value(map, "num_layers")};
    map.done();
    if (!name) return;
    deployment.model = load_named(*name, load_model, loaded.models);
    if (deployment.model.layers.empty()) return;
    try {
      deployment.model = with_overrides(deployment.model, overrides);
    } catch (const std::invalid_argument& e) {
      contradiction(*name, value->path(), deployment.model.name, e.what());
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

  void read_cluster() {
    const auto value = reader.required("cluster", "{node: dgx-h100, nodes: 1}");
    auto map = value ? map_like(*value, "{node: dgx-h100, nodes: 1}") : std::nullopt;
    if (!map) return;
    const auto node = map->required("node", "a node profile, e.g. dgx-h100");
    ClusterSpec& cluster = deployment.cluster;
    if (node) cluster.node = load_named(*node, load_node, loaded.nodes);
    cluster.nodes = map->integer_or("nodes", 1, 1, kMaxNodes);
    if (const auto fabric = map->optional("fabric")) {
      cluster.fabric = load_named(*fabric, load_fabric, loaded.fabrics);
    } else if (cluster.nodes > 1 && cluster.node.devices > 0) {
      cluster.fabric = load_fabric("rail-fat-tree");
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
  // cluster.
  void read_plan() {
    const auto value = reader.optional("parallel");
    auto map = value ? map_like(*value, "{tp: 8}") : std::nullopt;
    const bool any = map && (map->has("tp") || map->has("pp") || map->has("attention_dp"));
    ParallelPlan& plan = deployment.plan;
    const std::int64_t devices = deployment.cluster.num_devices();
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
  }

  void read_tokens() {
    const auto value = reader.optional("router");
    auto map = value ? map_like(*value, "{tokens: calibrated}") : std::nullopt;
    if (!map) return;
    const std::vector<std::string> names = {"calibrated", "balanced", "uniform", "power_law"};
    if (const auto tokens = map->optional("tokens")) {
      deployment.tokens.policy = static_cast<TokenPolicy>(tokens->choice(names).value_or(0));
    }
    deployment.tokens.alpha = map->number_or("alpha", deployment.tokens.alpha, 0, 10);
    deployment.tokens.sequences =
        map->integer_or("bank_sequences", deployment.tokens.sequences, 16, 4096);
    deployment.tokens.sequence_tokens =
        map->integer_or("bank_sequence_tokens", deployment.tokens.sequence_tokens, 16, 4096);
    map->done();
    const std::int64_t tokens = deployment.tokens.sequences * deployment.tokens.sequence_tokens;
    if (tokens > kMaxBankTokens) {
      value->fault(fmt::format("bank_sequences times bank_sequence_tokens up to {} expected",
                               kMaxBankTokens),
                   fmt::format("{} tokens", tokens));
    }
    const bool is_loaded = !deployment.model.layers.empty();
    if (is_loaded && !deployment.model.is_moe()) {
      value->fault("the model is dense and has no router; leave this out", "given");
    }
  }

  void read_placement() {
    const auto value = reader.optional("placement");
    auto map = value ? map_like(*value, "{policy: eplb, redundant_experts: 16}") : std::nullopt;
    if (!map) return;
    if (const auto policy = map->optional("policy")) {
      const auto choice = policy->choice({"linear", "round_robin", "eplb", "coactivation"});
      deployment.placement.policy = static_cast<PlacementPolicy>(choice.value_or(0));
    }
    deployment.placement.redundant_experts = map->integer_or("redundant_experts", 0, 0, kMaxWidth);
    if (deployment.placement.redundant_experts > 0 &&
        deployment.placement.policy != PlacementPolicy::kEplb) {
      const auto copies = map->optional("redundant_experts");
      contradiction(*copies, copies->path(), std::to_string(deployment.placement.redundant_experts),
                    "redundant experts need policy: eplb");
    }
    map->done();
  }

  void read_engine() {
    const auto value = reader.optional("engine");
    deployment.serving = serving_policy("vllm");
    if (!value) return;
    const std::vector<std::string> engines = {"vllm", "sglang", "tensorrt-llm"};
    if (value->is_scalar()) {
      deployment.serving = serving_policy(engines[value->choice(engines).value_or(0)]);
      return;
    }
    auto map = map_like(*value, "{name: vllm, max_num_seqs: 256}");
    if (!map) return;
    if (const auto name = map->optional("name")) {
      deployment.serving = serving_policy(engines[name->choice(engines).value_or(0)]);
    }
    EngineMemoryRules& rules = deployment.serving.memory;
    rules.memory_utilization =
        map->number_or("memory_utilization", rules.memory_utilization, 0.1, 1);
    rules.max_num_seqs = map->integer_or("max_num_seqs", rules.max_num_seqs, 1, 65536);
    rules.max_batched_tokens =
        map->integer_or("max_batched_tokens", rules.max_batched_tokens, 1, 1 << 20);
    rules.kv_block_tokens = map->integer_or("kv_block_tokens", rules.kv_block_tokens, 1, 4096);
    if (const auto batching = map->optional("batching")) {
      const auto choice = batching->choice({"mixed", "prefill_first"});
      deployment.serving.batch = static_cast<BatchPolicy>(choice.value_or(0));
    }
    if (const auto dispatch = map->optional("dispatch")) {
      const auto choice = dispatch->choice({"auto", "normal", "low_latency"});
      deployment.dispatch = static_cast<DispatchPolicy>(choice.value_or(0));
    }
    map->done();
  }

  // Where the file says this: the key, else its section, else the case.
  Value closest(const std::string& section, const std::string& key) const {
    const Value& whole = reader.value();
    const YAML::Node map = whole.node()[section];
    if (!map.IsDefined() || !map.IsMap()) return whole;
    const YAML::Node value = map[key];
    return whole.child(value.IsDefined() && value.Mark().line >= 0 ? value : map, key);
  }

  void check_plan() {
    if (deployment.model.layers.empty() || deployment.cluster.node.devices == 0) return;
    for (const PlanFault& fault :
         plan_faults(deployment.plan, deployment.model, deployment.cluster.num_devices(),
                     deployment.placement.redundant_experts)) {
      const bool is_placement = fault.path == "redundant_experts";
      const std::string section = is_placement ? "placement" : "parallel";
      contradiction(closest(section, fault.path),
                    reader.value().path() + "." + section + "." + fault.path, fault.value,
                    fault.allowed);
    }
  }
};

}  // namespace

Deployment read_case(const Value& value, const SiteSpec& site, std::uint64_t seed,
                     Faults& contradictions, LoadedSpecs& loaded) {
  CaseReader reader{MapReader(value), contradictions, loaded, {}};
  Deployment& deployment = reader.deployment;
  deployment.site = site;
  deployment.seed = seed;
  deployment.name = report_name(reader.reader);
  reader.read_model();
  reader.read_dtypes();
  reader.read_cluster();
  reader.read_plan();
  reader.read_tokens();
  reader.read_placement();
  reader.read_engine();
  deployment.power_limit =
      Watts(quantity_up_to(reader.reader, "power_limit", Dimension::kPower, 0, kMaxPower));
  deployment.rent_usd_per_hour =
      quantity_up_to(reader.reader, "rent_per_device", Dimension::kMoneyPerHour, 0, kMaxRent);
  reader.reader.done();
  reader.check_plan();
  return deployment;
}

}  // namespace moesim
