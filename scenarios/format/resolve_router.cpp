// The router and placement of a case, written out.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/format/resolve.h"

namespace moesim {
namespace {

std::string number(double value) {
  return fmt::format("{}", value);
}

YAML::Node training_node(const TrainingRecipe& recipe) {
  const BalanceRecipe& balance = recipe.balance;
  YAML::Node node;
  node["aux_loss"] = number(balance.aux_loss);
  node["sequence_aux_loss"] = number(balance.sequence_aux_loss);
  node["gshard_loss"] = number(balance.gshard_loss);
  node["z_loss"] = number(balance.z_loss);
  node["importance_loss"] = number(balance.importance_loss);
  node["load_loss"] = number(balance.load_loss);
  node["device_loss"] = number(balance.device_loss);
  node["communication_loss"] = number(balance.communication_loss);
  node["devices"] = balance.devices;
  node["bias_rate"] = number(balance.bias_rate);
  node["steps"] = recipe.steps;
  node["batch_tokens"] = recipe.batch_tokens;
  node["gate_rate"] = number(recipe.gate_rate);
  node["expert_rate"] = number(recipe.expert_rate);
  return node;
}

// A file stays as the case names it; a swept one is named by the sweep.
std::string file_name(const YAML::Node& given, const char* key, const std::string& path) {
  const YAML::Node name = given[key];
  return name.IsDefined() && name.IsScalar() ? name.Scalar() : path;
}

// Where tokens come from.
void put_source(const TokenSource& tokens, const YAML::Node& given, YAML::Node& node) {
  if (tokens.policy == TokenPolicy::kRecorded) {
    node["trace"] = file_name(given, "trace", tokens.trace);
  } else {
    node["tokens"] = word_of(tokens.policy);
  }
  if (!tokens.gate.empty()) node["gate"] = file_name(given, "gate", tokens.gate);
  if (!tokens.domain.empty()) node["domain"] = tokens.domain;
  if (tokens.policy == TokenPolicy::kTrained) node["training"] = training_node(tokens.training);
  node["bank_sequences"] = tokens.sequences;
  node["bank_sequence_tokens"] = tokens.sequence_tokens;
}

// The scheme, key by key where every MoE layer has the same: a key changes all of them.
class SchemeWriter {
 public:
  SchemeWriter(const ModelSpec& model, YAML::Node& node) : node_(node) {
    for (const LayerSpec& layer : model.layers) {
      if (layer.moe) routers_.push_back(&layer.moe->router);
    }
  }

  template <class Field, class Text>
  void put(const char* key, Field RouterSpec::*field, Text text) {
    const RouterSpec& first = *routers_.front();
    const bool same = std::all_of(routers_.begin(), routers_.end(), [&](const RouterSpec* other) {
      return other->*field == first.*field;
    });
    if (same) node_[key] = text(first.*field);
  }

  void put_selection() {
    const auto as_is = [](auto value) { return value; };
    const auto word = [](auto value) { return word_of(value); };
    put("score", &RouterSpec::score, word);
    put("order", &RouterSpec::order, word);
    put("rule", &RouterSpec::rule, word);
    put("renormalise", &RouterSpec::renormalise, as_is);
    put("correction_bias", &RouterSpec::correction_bias, as_is);
    put("num_groups", &RouterSpec::num_groups, as_is);
    put("top_groups", &RouterSpec::top_groups, as_is);
    put("group_score", &RouterSpec::group_score, word);
    put("group_mask", &RouterSpec::group_mask, word);
    put("scaling", &RouterSpec::scaling, number);
  }

  void put_capacity() {
    put("num_zero_experts", &RouterSpec::num_zero_experts, [](std::int64_t n) { return n; });
    put("capacity", &RouterSpec::capacity, [](const CapacitySpec& capacity) {
      YAML::Node node;
      if (capacity.fixed == 0) node["factor"] = number(capacity.factor);
      node["least"] = capacity.least;
      node["drop"] = word_of(capacity.drop);
      node["pad"] = capacity.pad;
      node["block"] = capacity.block;
      return node;
    });
  }

 private:
  std::vector<const RouterSpec*> routers_;
  YAML::Node& node_;
};

}  // namespace

YAML::Node resolved_router(const Deployment& deployment, const YAML::Node& given) {
  const YAML::Node none(YAML::NodeType::Map);
  const YAML::Node& router = given.IsDefined() && given.IsMap() ? given : none;
  const YAML::Node baselines = router["baselines"];
  YAML::Node node;
  put_source(deployment.tokens, router, node);
  const bool power_law = deployment.tokens.policy == TokenPolicy::kPowerLaw;
  const bool compared = baselines.IsDefined() && baselines.IsSequence() &&
                        std::any_of(baselines.begin(), baselines.end(), [](const YAML::Node& one) {
                          return one.Scalar() == "power_law";
                        });
  if (power_law || compared) node["alpha"] = number(deployment.tokens.alpha);
  if (baselines.IsDefined() && !baselines.IsNull()) node["baselines"] = YAML::Clone(baselines);
  SchemeWriter scheme(deployment.model, node);
  if (deployment.tokens.policy != TokenPolicy::kRecorded) scheme.put_selection();
  scheme.put_capacity();
  return node;
}

YAML::Node resolved_placement(const PlacementSpec& placement) {
  YAML::Node node;
  node["policy"] = word_of(placement.policy);
  node["redundant_experts"] = placement.redundant_experts;
  node["scope"] = word_of(placement.scope);
  node["replicas"] = word_of(placement.replicas);
  node["rebalance_steps"] = placement.rebalance_steps;
  node["rebalance_gain"] = number(placement.rebalance_gain);
  node["profile"] = word_of(placement.profile);
  return node;
}

}  // namespace moesim
