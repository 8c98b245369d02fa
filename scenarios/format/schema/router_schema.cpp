#include "models/router/make/token_source.h"
#include "models/router/training/gate_training.h"
#include "scenarios/format/schema/schema_parts.h"

namespace moesim::schema {
namespace {

constexpr std::int64_t kMaxGroups = 100'000;

Json weight(const std::string& loss) {
  return by_default(0, number(0, 10, "Weight of " + loss));
}

Json rate(double otherwise, const std::string& meaning) {
  return by_default(otherwise, number(0, 1, meaning));
}

Json training() {
  const TrainingRecipe recipe;
  return map_of(
      "Recipe of a gate that is trained in miniature; without any of its weights or rates nothing "
      "balances the load. Implies tokens: trained",
      {
          {"aux_loss", weight("Switch's auxiliary loss over a batch")},
          {"sequence_aux_loss", weight("the same loss within each sequence (DeepSeek-V3)")},
          {"gshard_loss", weight("GShard's loss on first choices")},
          {"z_loss", weight("the z-loss, which keeps logits small")},
          {"importance_loss", weight("the loss on the experts' importance (Shazeer 2017)")},
          {"load_loss", weight("the loss on the experts' load (Shazeer 2017); needs noisy_top_k")},
          {"device_loss", weight("the balance over devices (DeepSeek-V2)")},
          {"communication_loss", weight("the balance of what devices receive (DeepSeek-V2)")},
          {"bias_rate", rate(0, "Step of the loss-free correction bias (DeepSeek-V3: 0.001)")},
          {"gate_rate", rate(recipe.gate_rate, "Learning rate of the gate")},
          {"expert_rate", rate(recipe.expert_rate, "Learning rate of the experts")},
          {"devices", by_default(recipe.balance.devices,
                                 whole_number(1, kMaxGroups,
                                              "Devices that the two losses over devices balance"))},
          {"steps", by_default(recipe.steps, whole_number(1, 100'000, "Training steps"))},
          {"batch_tokens",
           by_default(recipe.batch_tokens, whole_number(16, 65'536, "Tokens of a training step"))},
      });
}

Json of_model(const Json& schema) {
  return by_default_as("the model's", schema);
}

Json capacity() {
  return of_model(map_of(
      "How many tokens an expert takes: ceil(factor x tokens x top_k / experts)",
      {
          {"factor", of_model(number(0, 1000, "The factor; 0 = experts take whatever comes"))},
          {"least", of_model(whole_number(0, 1'000'000, "Tokens that an expert takes at least"))},
          {"drop", of_model(word<DropPolicy>(
                       "Which tokens a full expert drops: those of the smallest weight, "
                       "or the last ones of the batch"))},
          {"pad", of_model(flag("Whether experts compute their whole capacity, used or not"))},
          {"block", of_model(whole_number(1, 4096,
                                          "Rows to whose multiple an expert's rows are rounded up "
                                          "where it does not pad"))},
      }));
}

std::vector<Key> source() {
  const TokenSource tokens;
  const Json baseline = one_of({"balanced", "uniform", "power_law"}, "A baseline");
  return {
      {"tokens",
       by_default("calibrated",
                  word<TokenPolicy>(
                      "Where the routing comes from: generated tokens through the gate kernel with "
                      "calibrated loads, a gate trained in miniature (trained), a recording "
                      "(recorded), or no router at all (balanced, uniform, power_law)"))},
      {"domain", by_default_as("the family's mixture",
                               text("Kind of text of calibrated tokens, e.g. github"))},
      {"gate",
       by_default_as("generated gates",
                     text("Real gates: .safetensors, its index, or a checkpoint's folder"))},
      {"trace",
       by_default_as("none", text("Recorded routing: .npy (vLLM), .jsonl (SGLang) or .csv; "
                                  "implies tokens: recorded"))},
      {"training", by_default_as("none", training())},
      {"alpha", by_default(tokens.alpha, number(0, 10,
                                                "Exponent of power_law: a token draws the i-th "
                                                "expert with weight 1/i^alpha"))},
      {"baselines",
       by_default_as("none", list_of("Other routings to compare with: the report adds what they "
                                     "would have said, and what imbalance costs",
                                     baseline))},
      {"bank_sequences",
       by_default(tokens.sequences, whole_number(16, 4096,
                                                 "Sequences that are routed once and drawn from; "
                                                 "with bank_sequence_tokens at most 65,536 "
                                                 "tokens"))},
      {"bank_sequence_tokens",
       by_default(tokens.sequence_tokens, whole_number(16, 4096, "Tokens of each of them"))},
  };
}

std::vector<Key> scheme() {
  return {
      {"score", of_model(word<ScoreFunction>("What makes scores of logits"))},
      {"order", of_model(word<SelectionOrder>("Whether scores are made before the selection"))},
      {"rule", of_model(word<SelectionRule>("How experts are selected"))},
      {"renormalise",
       of_model(flag("Whether the weights of the selected experts are made to add up to 1"))},
      {"correction_bias",
       of_model(flag("Whether a bias on the scores takes part in the selection"))},
      {"num_groups", of_model(whole_number(1, kMaxGroups, "Groups of experts"))},
      {"top_groups", of_model(whole_number(1, kMaxGroups, "Groups that a token may use"))},
      {"group_score", of_model(word<GroupScore>("What groups are selected by"))},
      {"group_mask", of_model(word<GroupMask>("What the scores in other groups become"))},
      {"scaling", of_model(number(1e-6, 1e6, "Factor on the weights of the selected experts"))},
      {"num_zero_experts",
       of_model(whole_number(0, 10'000, "Experts that do nothing, beside the routed ones"))},
      {"capacity", capacity()},
  };
}

}  // namespace

Json router() {
  std::vector<Key> keys = source();
  for (Key& key : scheme()) keys.push_back(std::move(key));
  return by_default_as("the model's own scheme on calibrated tokens",
                       map_of("Routing of an MoE model: where it comes from, what it is compared "
                              "with, and what of the scheme changes in every MoE layer",
                              keys));
}

}  // namespace moesim::schema
