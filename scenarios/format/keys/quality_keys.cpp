#include "scenarios/format/keys/quality_keys.h"

namespace moesim {

const KeyMap<TrainingTokens>& quality_keys() {
  static const KeyMap<TrainingTokens> map = {
      "{training_tokens: 15e12}",
      {key(&TrainingTokens::tokens, "training_tokens", form::Number{1e6, 1e15}, kRequired,
           "Tokens that the model was trained on")}};
  return map;
}

KeyFacts quality_key() {
  return key("quality", quality_keys().form(),
             otherwise("published tokens, else 20 per active parameter"),
             "Basis of the predicted loss");
}

KeyFacts twins_key() {
  const form::Part match{form::described(kTwin),
                         "Property that the dense twin of an MoE model shares with it"};
  const form::Part several{form::List{{match}}, match.meaning};
  return key("twins", form::Either{{match, several}, form::allowed_text(match.form)},
             otherwise("none"),
             "Dense models to compare with, on the same cluster in their own layout: of equal "
             "active parameters, total parameters, memory (weights and the KV cache of the "
             "sequences it can run), or predicted quality");
}

const KeyMap<DemandResponse>& demand_keys() {
  using D = DemandResponse;
  static const KeyMap<D> map = {
      "{elasticity: 0.8, reference: CASE}",
      {
          key(&D::elasticity, "elasticity", form::Number{0, 5}, kRequired,
              "By how many per cent demand grows when the price of a token falls by 1 %"),
          key(&D::reference, "reference", form::Text{}, otherwise("the first case"),
              "Case at whose price demand is as in workload"),
      }};
  return map;
}

KeyFacts demand_key() {
  return key(
      "demand", demand_keys().form(), otherwise("none"),
      "How demand answers to price: adds the monthly bill, energy and carbon at that demand");
}

}  // namespace moesim
