#include "scenarios/resolve.h"

#include <fmt/format.h>

namespace moesim {
namespace {

constexpr double kJoulesPerKwh = 3.6e6;

std::string dtype_text(Dtype dtype) { return std::string(dtype_name(dtype)); }

YAML::Node model_node(const ModelSpec& model) {
  YAML::Node node;
  node["name"] = model.name;
  if (model.is_moe()) {
    node["num_experts"] = model.moe().num_experts;
    node["top_k"] = model.moe().top_k;
    node["expert_width"] = model.moe().expert_width;
  }
  node["num_layers"] = model.layers.size();
  return node;
}

YAML::Node parallel_node(const ParallelPlan& plan) {
  YAML::Node node;
  node["tp"] = plan.tp;
  node["pp"] = plan.pp;
  node["attention_dp"] = plan.attention_dp;
  node["ep"] = plan.ep;
  node["moe_tp"] = plan.moe_tp;
  node["replicas"] = plan.replicas;
  return node;
}

YAML::Node router_node(const TokenSource& tokens) {
  constexpr const char* kPolicies[] = {"calibrated", "balanced", "uniform", "power_law"};
  YAML::Node node;
  node["tokens"] = kPolicies[static_cast<int>(tokens.policy)];
  if (tokens.policy == TokenPolicy::kPowerLaw) node["alpha"] = fmt::format("{}", tokens.alpha);
  node["bank_sequences"] = tokens.sequences;
  node["bank_sequence_tokens"] = tokens.sequence_tokens;
  return node;
}

YAML::Node engine_node(const Deployment& deployment) {
  const EngineMemoryRules& rules = deployment.serving.memory;
  YAML::Node node;
  node["name"] = deployment.serving.engine;
  node["memory_utilization"] = fmt::format("{}", rules.memory_utilization);
  node["max_num_seqs"] = rules.max_num_seqs;
  node["max_batched_tokens"] = rules.max_batched_tokens;
  node["kv_block_tokens"] = rules.kv_block_tokens;
  node["batching"] =
      deployment.serving.batch == BatchPolicy::kMixed ? "mixed" : "prefill_first";
  node["dispatch"] = deployment.dispatch == DispatchMode::kNormal ? "normal" : "low_latency";
  return node;
}

}  // namespace

YAML::Node resolved_case(const Deployment& deployment) {
  YAML::Node node;
  node["name"] = deployment.name;
  node["model"] = model_node(deployment.model);
  node["dtype"]["weights"] = dtype_text(deployment.dtypes.weights);
  node["dtype"]["experts"] = dtype_text(deployment.dtypes.experts);
  node["dtype"]["kv"] = dtype_text(deployment.dtypes.kv);
  node["dtype"]["dispatch"] = dtype_text(deployment.dtypes.dispatch);
  node["cluster"]["node"] = deployment.cluster.node.name;
  node["cluster"]["nodes"] = deployment.cluster.nodes;
  if (deployment.cluster.nodes > 1) node["cluster"]["fabric"] = deployment.cluster.fabric.name;
  node["parallel"] = parallel_node(deployment.plan);
  if (deployment.model.is_moe()) {
    node["router"] = router_node(deployment.tokens);
    node["placement"]["policy"] =
        deployment.placement == PlacementPolicy::kLinear ? "linear" : "eplb";
    node["placement"]["redundant_experts"] = deployment.redundant_experts;
  }
  node["engine"] = engine_node(deployment);
  if (deployment.power_limit.value() > 0) {
    node["power_limit"] = fmt::format("{} W", deployment.power_limit.value());
  }
  if (deployment.rent_usd_per_hour > 0) {
    node["rent_per_device"] = fmt::format("{} USD/h", deployment.rent_usd_per_hour);
  }
  return node;
}

YAML::Node resolved_site(const SiteSpec& site) {
  YAML::Node node;
  node["region"] = site.name;
  node["pue"] = fmt::format("{}", site.pue);
  node["carbon"] = fmt::format("{} gCO2e/kWh", site.carbon_kg_per_joule * kJoulesPerKwh * 1e3);
  node["electricity"] =
      fmt::format("{} USD/kWh", site.electricity_usd_per_joule * kJoulesPerKwh);
  return node;
}

}  // namespace moesim
