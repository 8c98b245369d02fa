#include "scenarios/router_names.h"
#include "scenarios/schema/schema_parts.h"

namespace moesim::schema {
namespace {

constexpr std::int64_t kMaxGroups = 100'000;

Json weight(const std::string& loss) {
  return number(0, 10, "Weight of " + loss);
}

Json training() {
  return map_of({
      {"aux_loss", weight("Switch's auxiliary loss")},
      {"sequence_aux_loss", weight("the same within each sequence")},
      {"gshard_loss", weight("GShard's loss")},
      {"z_loss", weight("the z-loss on logits")},
      {"importance_loss", weight("the loss on the experts' importance")},
      {"load_loss", weight("the loss on the experts' load")},
      {"device_loss", weight("the balance over devices")},
      {"communication_loss", weight("the balance of what devices receive")},
      {"bias_rate", number(0, 1, "Step of the loss-free correction bias")},
      {"gate_rate", number(0, 1, "Learning rate of the gate")},
      {"expert_rate", number(0, 1, "Learning rate of the experts")},
      {"devices", whole_number(1, kMaxGroups, "Devices that the losses over devices balance")},
      {"steps", whole_number(1, 100'000, "Training steps")},
      {"batch_tokens", whole_number(16, 65'536, "Tokens of a training step")},
  });
}

Json capacity() {
  return map_of({
      {"factor", number(0, 1000, "Tokens that an expert takes, over the mean; 0 = all")},
      {"least", whole_number(0, 1'000'000, "Tokens that an expert takes at least")},
      {"drop", word(names::kDropPolicies, "Which tokens are dropped first")},
      {"pad", flag("Whether experts compute on their whole capacity")},
      {"block", whole_number(1, 4096, "Rows to which a capacity is rounded up")},
  });
}

std::vector<Key> source() {
  const Json baselines = list_of(one_of({"balanced", "uniform", "power_law"}, "A baseline"));
  return {
      {"tokens", word(names::kTokenPolicies, "Where the routing comes from")},
      {"domain", text("Kind of text of calibrated tokens, e.g. github")},
      {"gate", text("Real gates: .safetensors, its index, or a checkpoint's folder")},
      {"trace", text("Recorded routing: .npy, .jsonl or .csv")},
      {"training", training()},
      {"alpha", number(0, 10, "Exponent of power_law")},
      {"baselines", baselines},
      {"bank_sequences", whole_number(16, 4096, "Sequences that are routed once and drawn from")},
      {"bank_sequence_tokens", whole_number(16, 4096, "Tokens of each of them")},
  };
}

std::vector<Key> scheme() {
  return {
      {"score", word(names::kScores, "What makes scores of logits")},
      {"order", word(names::kOrders, "Whether scores come before the selection")},
      {"rule", word(names::kRules, "How experts are selected")},
      {"renormalise", flag("Whether the weights of the selected experts add up to 1")},
      {"correction_bias", flag("Whether a bias on scores decides the selection")},
      {"num_groups", whole_number(1, kMaxGroups, "Groups of experts")},
      {"top_groups", whole_number(1, kMaxGroups, "Groups that a token may use")},
      {"group_score", word(names::kGroupScores, "What groups are selected by")},
      {"group_mask", word(names::kGroupMasks, "What the scores of other groups become")},
      {"scaling", number(1e-6, 1e6, "Factor on the weights")},
      {"num_zero_experts", whole_number(0, 10'000, "Experts that do nothing")},
      {"capacity", capacity()},
  };
}

}  // namespace

Json router() {
  std::vector<Key> keys = source();
  for (Key& key : scheme()) keys.push_back(std::move(key));
  Json router = map_of(keys);
  router["description"] = "Routing of an MoE model; the model's own scheme unless changed";
  return router;
}

}  // namespace moesim::schema
