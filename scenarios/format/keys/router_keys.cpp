#include "scenarios/format/keys/router_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/router/training/recipe_keys.h"

namespace moesim {
namespace {

using S = RouterSource;

std::string fault_unless(const char* name, const S& source, TokenPolicy policy) {
  if (source.tokens.policy == policy) return "";
  return fmt::format("{} goes with tokens: {} only; here tokens are {}", name, word_of(policy),
                     word_of(source.tokens.policy));
}

// A key that says what only one way of routing has.
Applies<S> only_with(const char* name, TokenPolicy policy) {
  return {std::string("with tokens: ") + word_of(policy),
          [=](const S& source) { return fault_unless(name, source, policy); }};
}

std::string alpha_fault(const S& source) {
  const auto& baselines = source.baselines;
  const bool compared =
      std::find(baselines.begin(), baselines.end(), TokenPolicy::kPowerLaw) != baselines.end();
  return compared ? "" : fault_unless("alpha", source, TokenPolicy::kPowerLaw);
}

Key<S> without_member(const KeyFacts& facts, const Applies<S>& applies) {
  Key<S> row(facts);
  row.facts.applies = applies.words;
  row.fault = applies.fault;
  return row;
}

form::List baselines() {
  return {{{form::Words{allowed_words<TokenPolicy>(kBaselines)}, "A baseline"}}};
}

Default the_models() {
  return otherwise("the model's");
}

}  // namespace

const Keys<RouterSource>& source_keys() {
  using T = TokenSource;
  static const Keys<S> keys = {
      key(path(&S::tokens, &T::policy), "tokens", form::Word<TokenPolicy>{}, kAsBuilt,
          "Where the routing comes from: generated tokens through the gate kernel with calibrated "
          "loads, a gate trained in miniature (trained), a recording (recorded), or no router at "
          "all (balanced, uniform, power_law)"),
      without_member(
          key("trace", form::Text{}, otherwise("none"),
              "Recorded routing: .npy (vLLM), .jsonl, .pt or .json (SGLang) or .csv; implies "
              "tokens: recorded"),
          only_with("trace", TokenPolicy::kRecorded)),
      without_member(key("gate", form::Text{}, otherwise("generated gates"),
                         "Real gates: .safetensors, its index, or a checkpoint's folder"),
                     only_with("gate", TokenPolicy::kCalibrated)),
      only_if_set(key(path(&S::tokens, &T::domain), "domain", form::Text{},
                      otherwise("the family's mixture"),
                      "Kind of text of calibrated tokens, e.g. github",
                      only_with("domain", TokenPolicy::kCalibrated))),
      without_member(
          key("training", recipe_keys().form(), otherwise("none"),
              "Recipe of a gate that is trained in miniature; without any of its weights "
              "or rates nothing balances the load. Implies tokens: trained"),
          only_with("training", TokenPolicy::kTrained)),
      key(path(&S::tokens, &T::sequences), "bank_sequences", form::Whole{16, 4096}, kAsBuilt,
          fmt::format("Sequences that are routed once and drawn from; with bank_sequence_tokens at "
                      "most {} tokens",
                      kMaxBankTokens)),
      key(path(&S::tokens, &T::sequence_tokens), "bank_sequence_tokens", form::Whole{16, 4096},
          kAsBuilt, "Tokens of each of them"),
      key(path(&S::tokens, &T::alpha), "alpha", form::Number{0, 10}, kAsBuilt,
          "Exponent of power_law: a token draws the i-th expert with weight 1/i^alpha",
          Applies<S>{"with power_law, also as a baseline", alpha_fault}),
      key("baselines", baselines(), otherwise("none"),
          "Baseline routings: the report shows the metrics each would predict and the cost of "
          "imbalance"),
  };
  return keys;
}

const KeyMap<CapacitySpec>& capacity_keys() {
  using C = CapacitySpec;
  static const KeyMap<C> map = {
      "{factor: 1.25}",
      {
          key(&C::factor, "factor", form::Number{0, 1000}, the_models(),
              "The factor; 0 = experts take whatever comes"),
          key(&C::least, "least", form::Whole{0, 1'000'000}, the_models(),
              "Tokens that an expert takes at least"),
          key(&C::drop, "drop", form::Word<DropPolicy>{}, the_models(),
              "Which tokens a full expert drops: those of the smallest weight, or the last ones of "
              "the batch"),
          key(&C::pad, "pad", form::Flag{}, the_models(),
              "Whether experts compute their whole capacity, used or not"),
          key(&C::block, "block", form::Whole{1, 4096}, the_models(),
              "Rows to whose multiple an expert's rows are rounded up where it does not pad"),
      }};
  return map;
}

const Keys<RouterSpec>& scheme_keys() {
  using R = RouterSpec;
  constexpr form::Whole kGroups{1, 100'000};
  static const Keys<R> keys = {
      key(&R::score, "score", form::Word<ScoreFunction>{}, the_models(),
          "What makes scores of logits"),
      key(&R::order, "order", form::Word<SelectionOrder>{}, the_models(),
          "Whether scores are made before the selection"),
      key(&R::rule, "rule", form::Word<SelectionRule>{}, the_models(), "How experts are selected"),
      key(&R::renormalise, "renormalise", form::Flag{}, the_models(),
          "Whether the weights of the selected experts are made to add up to 1"),
      key(&R::correction_bias, "correction_bias", form::Flag{}, the_models(),
          "Whether a bias on the scores takes part in the selection"),
      key(&R::num_groups, "num_groups", kGroups, the_models(), "Groups of experts"),
      key(&R::top_groups, "top_groups", kGroups, the_models(), "Groups that a token may use"),
      key(&R::group_score, "group_score", form::Word<GroupScore>{}, the_models(),
          "What groups are selected by"),
      key(&R::group_mask, "group_mask", form::Word<GroupMask>{}, the_models(),
          "Value of the scores in other groups"),
      key(&R::scaling, "scaling", form::Number{1e-6, 1e6}, the_models(),
          "Factor on the weights of the selected experts"),
      key(&R::num_zero_experts, "num_zero_experts", form::Whole{0, 10'000}, the_models(),
          "Experts that do nothing, beside the routed ones"),
      key("capacity", capacity_keys().form(), the_models(),
          "How many tokens an expert takes: ceil(factor x tokens x top_k / experts)"),
  };
  return keys;
}

KeyFacts router_key() {
  std::vector<KeyFacts> keys = facts_of(source_keys());
  for (const KeyFacts& facts : facts_of(scheme_keys())) keys.push_back(facts);
  return key(
      "router", form::Map{keys, "{tokens: calibrated}"},
      otherwise("the model's own scheme on calibrated tokens"),
      "Routing of an MoE model: its source, its baselines, and changes of the scheme in every "
      "MoE layer");
}

}  // namespace moesim
