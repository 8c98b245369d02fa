#include "scenarios/format/resolve.h"

#include <fmt/format.h>

#include <cmath>

#include "models/config/catalog.h"
#include "scenarios/format/keys/case_keys.h"
#include "scenarios/format/keys/engine_keys.h"
#include "scenarios/format/keys/fault_keys.h"
#include "scenarios/format/keys/model_keys.h"
#include "scenarios/format/keys/parallel_keys.h"
#include "scenarios/format/keys/placement_keys.h"
#include "scenarios/format/keys/site_keys.h"
#include "scenarios/format/keys/workload_keys.h"
#include "sim/deployment/engine_keys.h"

namespace moesim {
namespace {

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
  const YAML::Node name = given.IsMap() ? given["name"] : given;
  const bool is_known =
      name.IsDefined() && name.IsScalar() && known_model(name.Scalar()) == model.name;
  node["name"] = is_known ? model.name : given_name(name, model.name);
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

template <class T>
YAML::Node node_of(const Keys<T>& keys, const T& object) {
  YAML::Node node;
  write_keys(keys, object, node);
  return node;
}

YAML::Node engine_node(const Deployment& deployment) {
  const ServingPolicy& serving = deployment.serving;
  YAML::Node node;
  node["name"] = serving.engine + (serving.release.empty() ? "" : " " + serving.release);
  write_keys(serving_keys(), serving, node);
  write_keys(engine_choice_keys(), deployment, node);
  return node;
}

FaultEntry entry_of(const Slowdown& slow, const ClusterSpec& cluster) {
  FaultEntry entry;
  const bool is_fabric = slow.part == FaultPart::kFabric;
  if (slow.part != FaultPart::kDevice) entry.link = slow.part;
  if (is_fabric) {
    entry.port = slow.fabric.name;
    if (slow.fabric.cables > 0) entry.cables = slow.fabric.cables;
  } else if (slow.part == FaultPart::kNic) {
    entry.node = slow.devices.first / cluster.node.devices;
    entry.rail = slow.devices.first % cluster.node.devices / slow.devices.count;
  } else {
    entry.gpu = slow.devices.first;
  }
  entry.speed = is_fabric ? slow.fabric.cable_speed : slow.speed;
  entry.from = slow.from;
  if (std::isfinite(slow.until.value())) entry.until = slow.until;
  if (slow.speed > 0) return entry;
  entry.timeout = slow.timeout;
  entry.restart = slow.restart;
  return entry;
}

FaultEntry entry_of(const Failure& failure, const ClusterSpec& cluster) {
  FaultEntry entry;
  const std::int64_t first = failure.devices.first;
  if (failure.devices.count > 1) {
    entry.node = first / cluster.node.devices;
  } else {
    entry.gpu = first;
  }
  entry.fails = failure.at;
  entry.detection = failure.detection;
  entry.restart = failure.restart;
  return entry;
}

YAML::Node faults_node(const FaultSpec& faults, const ClusterSpec& cluster) {
  YAML::Node node;
  for (const Slowdown& slow : faults.slowdowns) {
    node.push_back(node_of(fault_keys().keys, entry_of(slow, cluster)));
  }
  for (const Failure& failure : faults.failures) {
    YAML::Node entry = node_of(fault_keys().keys, entry_of(failure, cluster));
    if (!failure.restart) entry["restart"] = kNever;
    node.push_back(entry);
  }
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
  node["dtype"] = node_of(dtype_keys().keys, deployment.dtypes);
  for (const auto& [module, format] : deployment.dtypes.modules) {
    node["dtype"]["modules"][module] = word_of(format);
  }
  node["cluster"]["node"] = given_name(cluster["node"], deployment.cluster.node.name);
  if (deployment.cluster.devices) {
    node["cluster"]["devices"] = *deployment.cluster.devices;
  } else {
    node["cluster"]["nodes"] = deployment.cluster.nodes;
  }
  if (deployment.cluster.nodes > 1) {
    node["cluster"]["fabric"] = given_name(cluster["fabric"], deployment.cluster.fabric.name);
    for (const char* choice : {"routing", "shape"}) {
      if (cluster[choice].IsDefined()) node["cluster"][choice] = YAML::Clone(cluster[choice]);
    }
  }
  node["parallel"] = node_of(parallel_keys().keys, deployment.plan);
  if (deployment.prefill) {
    node["prefill"] = node_of(parallel_keys().keys, *deployment.prefill);
  }
  if (deployment.model.is_moe()) {
    node["router"] = resolved_router(deployment, given["router"]);
    node["placement"] = node_of(placement_keys().keys, deployment.placement);
  }
  node["engine"] = engine_node(deployment);
  if (!deployment.faults.empty()) {
    node["faults"] = faults_node(deployment.faults, deployment.cluster);
  }
  for (const char* key : {"power_limit", "rent_per_device"}) {
    if (const auto text = written(row_of(case_keys(), key), deployment)) node[key] = *text;
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
  write_keys(site_keys().keys, site, node);
  return node;
}

YAML::Node resolved_workload(const YAML::Node& given) {
  YAML::Node node;
  for (const Key<Workload>& row : workload_keys()) {
    if (given[row.name()].IsDefined()) {
      node[row.name()] = YAML::Clone(given[row.name()]);
    } else if (row.facts.fallback.kind == Default::Kind::kValue) {
      node[row.name()] = row.facts.fallback.text;
    }
  }
  return node;
}

}  // namespace moesim
