#include "models/config/config_router.h"

#include <algorithm>

namespace moesim {
namespace {

constexpr double kMostJitter = 0.5;
constexpr double kMostFactor = 1000;
constexpr std::int64_t kMostCapacity = 1'000'000'000;

double read_jitter(const ConfigFields& fields, const RouterSpec& router) {
  if (router.rule == SelectionRule::kSparseMixer) {
    return fields.number_or({"input_jitter_noise"}, router.jitter, 0, kMostJitter);
  }
  return fields.number_or({"router_jitter_noise", "moe_input_jitter_eps", "input_jitter_noise"},
                          router.jitter, 0, kMostJitter);
}

DropPolicy read_drop_policy(const ConfigFields& fields, DropPolicy otherwise) {
  if (!fields.has({"moe_token_drop_policy"})) return otherwise;
  const std::string policy = fields.text_or({"moe_token_drop_policy"}, "probs");
  if (policy == "position") return DropPolicy::kByPosition;
  if (policy != "probs") {
    fields.fault({"moe_token_drop_policy"}, "one of probs, position expected");
  }
  return DropPolicy::kByWeight;
}

// Arctic drops only where moe_token_dropping says so; its factors are those of DeepSpeed.
void read_arctic_capacity(const ConfigFields& fields, CapacitySpec& capacity) {
  if (!fields.flag_or({"moe_token_dropping"}, false)) return;
  capacity.factor = fields.number_or({"moe_eval_capacity_factor"}, 1, 0, kMostFactor);
  capacity.training_factor = fields.number_or({"moe_train_capacity_factor"}, 1, 0, kMostFactor);
  capacity.least = fields.integer_or({"moe_min_capacity"}, 0, 0, kMostCapacity);
  capacity.drop = DropPolicy::kByPosition;
}

// Hunyuan: capacity = max(top_k, tokens top_k / experts), first come, first served.
bool read_hunyuan_dropping(const ConfigFields& fields) {
  if (!fields.flag_or({"moe_drop_tokens"}, false)) return false;
  if (fields.flag_or({"moe_random_routing_dropped_token"}, false)) {
    fields.fault({"moe_random_routing_dropped_token"},
                 "false expected: dropped tokens cannot be sent to other experts");
  }
  return true;
}

CapacitySpec read_capacity(const ConfigFields& fields, CapacitySpec capacity) {
  capacity.factor =
      fields.number_or({"moe_expert_capacity_factor"}, capacity.factor, 0, kMostFactor);
  capacity.pad = fields.flag_or({"moe_pad_expert_input_to_capacity"}, capacity.pad);
  if (fields.has({"expert_capacity"})) {
    capacity.fixed = fields.count_or({"expert_capacity"}, 0, kMostCapacity);
    capacity.drop = DropPolicy::kByPosition;
  }
  read_arctic_capacity(fields, capacity);
  if (read_hunyuan_dropping(fields)) {
    capacity.factor = 1;
    capacity.drop = DropPolicy::kByPosition;
  }
  capacity.drop = read_drop_policy(fields, capacity.drop);
  return capacity;
}

SelectionRule read_rule(const ConfigFields& fields, SelectionRule otherwise) {
  if (!fields.has({"moe_router_load_balancing_type"})) return otherwise;
  const std::string type = fields.text_or({"moe_router_load_balancing_type"}, "none");
  if (type == "sinkhorn") return SelectionRule::kSinkhorn;
  if (type == "quantile_balancing") return SelectionRule::kQuantile;
  if (type != "none" && type != "aux_loss" && type != "seq_aux_loss" && type != "global_aux_loss") {
    fields.fault({"moe_router_load_balancing_type"},
                 "one of none, aux_loss, seq_aux_loss, global_aux_loss, sinkhorn, "
                 "quantile_balancing expected");
  }
  return otherwise;
}

}  // namespace

void read_router_options(const ConfigFields& fields, ModelSpec& model) {
  if (!model.is_moe()) return;
  const auto num_layers = static_cast<std::int64_t>(model.layers.size());
  const std::int64_t num_hash = fields.integer_or({"num_hash_layers"}, 0, 0, num_layers);
  RouterSpec read = model.moe().router;  // The families' layers differ in top_k alone.
  read.jitter = read_jitter(fields, read);
  read.capacity = read_capacity(fields, read.capacity);
  read.rule = read_rule(fields, read.rule);
  const bool hunyuan = fields.flag_or({"moe_drop_tokens"}, false);
  for (std::int64_t i = 0; i < num_layers; ++i) {
    std::optional<MoeSpec>& moe = model.layers[static_cast<std::size_t>(i)].moe;
    if (!moe) continue;
    moe->router.jitter = read.jitter;
    moe->router.capacity = read.capacity;
    if (hunyuan) moe->router.capacity.least = moe->top_k;
    moe->router.rule = i < num_hash ? SelectionRule::kHash : read.rule;
  }
}

}  // namespace moesim
