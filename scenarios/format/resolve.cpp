#include "scenarios/format/resolve.h"

#include <fmt/format.h>

#include <cmath>

#include "base/quantity.h"
#include "scenarios/sweep/paths.h"

namespace moesim {
namespace {

// The shortest text in `unit` that reads back as exactly this SI value, so that a rerun is the
// same.
std::string quantity_text(double si, Dimension dimension, const std::string& unit) {
  const double one = parse_quantity("1 " + unit, dimension).value_or(1);
  for (int digits = 1; digits < 17; ++digits) {
    const std::string text = fmt::format("{:.{}g} {}", si / one, digits, unit);
    if (parse_quantity(text, dimension) == si) return text;
  }
  return fmt::format("{:.17g} {}", si / one, unit);
}

// A profile or config.json that was given by its path keeps it; a name is written as it is known.
std::string given_name(const YAML::Node& given, const std::string& known) {
  if (!given.IsDefined() || !given.IsScalar()) return known;
  const bool is_path = given.Scalar().find('/') != std::string::npos ||
                       given.Scalar().ends_with(".json") || given.Scalar().ends_with(".yaml");
  return is_path ? given.Scalar() : known;
}

// Sizes are written out where every MoE layer has the same: a change of one would change them all.
YAML::Node model_node(const ModelSpec& model, const YAML::Node& given) {
  YAML::Node node;
  node["name"] = given_name(given.IsMap() ? given["name"] : given, model.name);
  if (model.is_moe()) {
    const ModelOverrides sizes{model.moe().num_experts, model.moe().top_k, model.moe().expert_width,
                               std::nullopt};
    if (with_overrides(model, sizes).layers == model.layers) {
      node["num_experts"] = model.moe().num_experts;
      node["top_k"] = model.moe().top_k;
      node["expert_width"] = model.moe().expert_width;
    }
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

YAML::Node engine_node(const Deployment& deployment) {
  const ServingPolicy& serving = deployment.serving;
  const EngineMemoryRules& rules = serving.memory;
  const auto time = [](Seconds s) { return quantity_text(s.value(), Dimension::kTime, "s"); };
  YAML::Node node;
  node["name"] = serving.engine + (serving.release.empty() ? "" : " " + serving.release);
  node["memory_utilization"] = fmt::format("{}", rules.memory_utilization);
  node["max_num_seqs"] = rules.max_num_seqs;
  node["max_batched_tokens"] = rules.max_batched_tokens;
  node["kv_block_tokens"] = rules.kv_block_tokens;
  node["batching"] = word_of(serving.batching);
  node["chunked_prompts"] = serving.chunked_prompts;
  node["reserved_output"] = fmt::format("{}", serving.reserved_output);
  node["admission_interval"] = serving.admission_interval;
  node["launch_factor"] = fmt::format("{}", serving.launch_factor);
  node["eager_factor"] = fmt::format("{}", serving.eager_factor);
  node["expert_factor"] = fmt::format("{}", serving.expert_factor);
  node["step_time"] = time(serving.step_overhead);
  node["sequence_time"] = time(serving.sequence_overhead);
  node["request_time"] = time(serving.request_overhead);
  node["overlaps_host"] = serving.overlaps_host;
  node["two_batch_overlap"] = serving.overlaps_batches;
  node["shared_expert_overlap"] = serving.overlaps_shared_experts;
  node["all_reduce_overlap"] = serving.overlaps_all_reduce;
  node["cuda_graphs"] = serving.cuda_graphs;
  node["sampling"] = word_of(deployment.sampling);
  node["all_reduce"] = word_of(deployment.all_reduce);
  node["dispatch"] = word_of(deployment.dispatch);
  node["combine"] = word_of(deployment.combine);
  return node;
}

YAML::Node fault_node(const Slowdown& slow, const ClusterSpec& cluster) {
  const auto time = [](Seconds s) { return quantity_text(s.value(), Dimension::kTime, "s"); };
  YAML::Node node;
  if (slow.part == FaultPart::kFabric) {
    node["link"] = word_of(slow.part);
    node["port"] = slow.fabric.name;
    if (slow.fabric.cables > 0) node["cables"] = slow.fabric.cables;
  } else if (slow.part == FaultPart::kNic) {
    node["link"] = word_of(slow.part);
    node["node"] = slow.devices.first / cluster.node.devices;
    node["rail"] = slow.devices.first % cluster.node.devices / slow.devices.count;
  } else {
    if (slow.part == FaultPart::kScaleUp) node["link"] = word_of(slow.part);
    node["gpu"] = slow.devices.first;
  }
  const bool is_fabric = slow.part == FaultPart::kFabric;
  node["speed"] = fmt::format("{}", is_fabric ? slow.fabric.cable_speed : slow.speed);
  node["from"] = time(slow.from);
  if (std::isfinite(slow.until.value())) node["until"] = time(slow.until);
  if (slow.speed > 0) return node;
  node["timeout"] = time(slow.timeout);
  node["restart"] = time(slow.restart);
  return node;
}

YAML::Node fault_node(const Failure& failure, const ClusterSpec& cluster) {
  const auto time = [](Seconds s) { return quantity_text(s.value(), Dimension::kTime, "s"); };
  const bool is_node = failure.devices.count > 1;
  const std::int64_t first = failure.devices.first;
  YAML::Node node;
  node[is_node ? "node" : "gpu"] = is_node ? first / cluster.node.devices : first;
  node["fails"] = time(failure.at);
  node["detection"] = time(failure.detection);
  node["restart"] = failure.restart ? time(*failure.restart) : "never";
  return node;
}

YAML::Node faults_node(const FaultSpec& faults, const ClusterSpec& cluster) {
  YAML::Node node;
  for (const Slowdown& slow : faults.slowdowns) node.push_back(fault_node(slow, cluster));
  for (const Failure& failure : faults.failures) node.push_back(fault_node(failure, cluster));
  return node;
}

bool are_same(const YAML::Node& a, const YAML::Node& b) {
  if (a.Type() != b.Type() || a.size() != b.size()) return false;
  if (a.IsScalar()) return a.Scalar() == b.Scalar();
  for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
    const bool same = a.IsMap()
                          ? i->first.Scalar() == j->first.Scalar() && are_same(i->second, j->second)
                          : are_same(*i, *j);
    if (!same) return false;
  }
  return true;
}

}  // namespace

YAML::Node resolved_case(const Deployment& deployment, const YAML::Node& given) {
  const YAML::Node cluster = given["cluster"];
  YAML::Node node;
  node["name"] = deployment.name;
  node["model"] = model_node(deployment.model, given["model"]);
  node["dtype"]["weights"] = word_of(deployment.dtypes.weights);
  node["dtype"]["experts"] = word_of(deployment.dtypes.experts);
  node["dtype"]["kv"] = word_of(deployment.dtypes.kv);
  node["dtype"]["dispatch"] = word_of(deployment.dtypes.dispatch);
  node["cluster"]["node"] = given_name(cluster["node"], deployment.cluster.node.name);
  node["cluster"]["nodes"] = deployment.cluster.nodes;
  if (deployment.cluster.nodes > 1) {
    node["cluster"]["fabric"] = given_name(cluster["fabric"], deployment.cluster.fabric.name);
    for (const char* choice : {"routing", "shape"}) {
      if (cluster[choice].IsDefined()) node["cluster"][choice] = YAML::Clone(cluster[choice]);
    }
  }
  node["parallel"] = parallel_node(deployment.plan);
  if (deployment.prefill) node["prefill"] = parallel_node(*deployment.prefill);
  if (deployment.model.is_moe()) {
    node["router"] = resolved_router(deployment, given["router"]);
    node["placement"] = resolved_placement(deployment.placement);
  }
  node["engine"] = engine_node(deployment);
  if (!deployment.faults.empty()) {
    node["faults"] = faults_node(deployment.faults, deployment.cluster);
  }
  if (deployment.power_limit.value() > 0) {
    node["power_limit"] = quantity_text(deployment.power_limit.value(), Dimension::kPower, "W");
  }
  if (deployment.rent_usd_per_hour > 0) {
    node["rent_per_device"] =
        quantity_text(deployment.rent_usd_per_hour, Dimension::kMoneyPerHour, "USD/h");
  }
  for (const char* key : {"quality", "twins"}) {
    if (given[key].IsDefined()) node[key] = YAML::Clone(given[key]);
  }
  return node;
}

void ResolvedPoints::add(const Deployment& point) {
  const YAML::Node resolved = resolved_case(point, given_);
  if (!first_) {
    first_ = resolved;
    return;
  }
  const YAML::Node& first = *first_;
  for (const auto& entry : first) {
    const std::string& key = entry.first.Scalar();
    if (differing_.contains(key)) continue;
    const YAML::Node here = resolved[key];
    if (!here.IsDefined() || !are_same(entry.second, here)) differing_.insert(key);
  }
  for (const auto& entry : resolved) {
    const std::string& key = entry.first.Scalar();
    if (!first[key].IsDefined()) differing_.insert(key);
  }
}

YAML::Node ResolvedPoints::node() const {
  YAML::Node out = YAML::Clone(first_ ? *first_ : given_);
  for (const std::string& key : differing_) {
    out.remove(key);
    if (given_[key].IsDefined()) out[key] = YAML::Clone(given_[key]);
  }
  return out;
}

YAML::Node resolved_site(const SiteSpec& site) {
  YAML::Node node;
  node["region"] = site.name;
  node["pue"] = fmt::format("{}", site.pue);
  node["carbon"] =
      quantity_text(site.carbon_kg_per_joule, Dimension::kCarbonPerEnergy, "gCO2e/kWh");
  node["electricity"] =
      quantity_text(site.electricity_usd_per_joule, Dimension::kMoneyPerEnergy, "USD/kWh");
  return node;
}

}  // namespace moesim
