// The router of a case, written out.
#include <algorithm>

#include "models/router/training/recipe_keys.h"
#include "scenarios/format/keys/router_keys.h"
#include "scenarios/format/resolve.h"

namespace moesim {
namespace {

// A file stays as the case names it; a swept one is named by the sweep.
std::string file_name(const YAML::Node& given, const char* key, const std::string& path) {
  const YAML::Node name = given[key];
  return name.IsDefined() && name.IsScalar() ? name.Scalar() : path;
}

// Where tokens come from: what the policy has a use for.
void put_source(const RouterSource& source, const YAML::Node& given, YAML::Node& node) {
  const TokenSource& tokens = source.tokens;
  for (const Key<RouterSource>& row : source_keys()) {
    const std::string& name = row.name();
    if (row.fault && !row.fault(source).empty()) continue;
    if (name == "trace") {
      node[name] = file_name(given, "trace", tokens.trace);
    } else if (name == "gate") {
      if (!tokens.gate.empty()) node[name] = file_name(given, "gate", tokens.gate);
    } else if (name == "training") {
      YAML::Node recipe;
      write_keys(recipe_keys().keys, tokens.training, recipe);
      node[name] = recipe;
    } else if (name == "baselines") {
      const YAML::Node baselines = given[name];
      if (baselines.IsDefined() && !baselines.IsNull()) node[name] = YAML::Clone(baselines);
    } else if (name != "tokens" || tokens.policy != TokenPolicy::kRecorded) {
      if (const auto text = written(row, source)) node[name] = *text;
    }
  }
}

// The scheme, key by key where every MoE layer has the same: a key changes all of them.
class SchemeWriter {
 public:
  SchemeWriter(const ModelSpec& model, YAML::Node& node) : node_(node) {
    for (const LayerSpec& layer : model.layers) {
      if (layer.moe) routers_.push_back(&layer.moe->router);
    }
  }

  // A recording has selected already.
  void put(bool with_selection) {
    const RouterSpec& first = *routers_.front();
    for (const Key<RouterSpec>& row : scheme_keys()) {
      const bool is_size = !row.member || row.name() == "num_zero_experts";
      if (!is_size && !with_selection) continue;
      if (!row.member) {
        put_capacity(row.name());
      } else if (all([&](const RouterSpec& other) { return row.member->same(other, first); })) {
        if (const auto text = written(row, first)) node_[row.name()] = *text;
      }
    }
  }

 private:
  template <class Same>
  bool all(const Same& same) const {
    return std::all_of(routers_.begin(), routers_.end(),
                       [&](const RouterSpec* router) { return same(*router); });
  }

  void put_capacity(const std::string& name) {
    const CapacitySpec& capacity = routers_.front()->capacity;
    if (!all([&](const RouterSpec& other) { return other.capacity == capacity; })) return;
    YAML::Node node;
    write_keys(capacity_keys().keys, capacity, node);
    if (capacity.fixed != 0) node.remove("factor");
    node_[name] = node;
  }

  std::vector<const RouterSpec*> routers_;
  YAML::Node& node_;
};

}  // namespace

YAML::Node resolved_router(const Deployment& deployment, const YAML::Node& given) {
  const YAML::Node none(YAML::NodeType::Map);
  const YAML::Node& router = given.IsDefined() && given.IsMap() ? given : none;
  RouterSource source{deployment.tokens, {}};
  const YAML::Node baselines = router["baselines"];
  if (baselines.IsDefined() && baselines.IsSequence()) {
    for (const YAML::Node& one : baselines) {
      const auto policy = from_word<TokenPolicy>(one.Scalar());
      if (policy) source.baselines.push_back(*policy);
    }
  }
  YAML::Node node;
  put_source(source, router, node);
  SchemeWriter(deployment.model, node).put(deployment.tokens.policy != TokenPolicy::kRecorded);
  return node;
}

}  // namespace moesim
