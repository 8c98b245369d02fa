// How well the model would predict text, by published scaling laws; what they were never fitted to
// has no prediction.
#include "reports/metrics/groups.h"
#include "reports/metrics/predicted_loss.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

LawShape shape(In in) {
  return law_shape(in.deployment.model);
}

double tokens(In in) {
  return training_tokens_of(in.deployment).tokens;
}

Out predicted(In in) {
  const LossEstimate estimate = loss_of(in.deployment);
  return estimate.inside() ? Out(estimate.loss) : std::nullopt;
}

Out extrapolated(In in) {
  const LossEstimate estimate = loss_of(in.deployment);
  return estimate.inside() ? std::nullopt : Out(estimate.loss);
}

Out fine_grained(In in) {
  if (!in.deployment.model.is_moe()) return std::nullopt;
  const LossEstimate estimate = estimate_fine_grained_loss(shape(in), tokens(in));
  return estimate.inside() ? Out(estimate.loss) : std::nullopt;
}

Out gain(In in) {
  if (!in.deployment.model.is_moe()) return std::nullopt;
  const LawShape own = shape(in);
  return granularity_gain(own.held, own.granularity);
}

Out equal_dense(In in) {
  return equal_quality_dense_params(loss_of(in.deployment).loss, tokens(in));
}

}  // namespace

std::vector<MetricRow> quality_metrics() {
  const std::string g = "quality";
  const std::string loss =
      "Pre-training loss per token of FineWeb-Edu (GPT-2 tokenizer) by the joint scaling law of "
      "dense and MoE models, arXiv:2502.05172; less is better, and no benchmark score";
  return {
      {kTrainingTokens, "training_tokens", "training tokens", g, "token",
       "Tokens that the model was trained on: published, from the scenario, those of the published "
       "model whose sizes were changed, or assumed.",
       [](In in) -> Out { return tokens(in); }},
      {kTrainingTokensAssumed, "training_tokens_assumed", "training tokens assumed", g, "0/1",
       "1 if they are 20 per active parameter, because none are published for this model or the "
       "one "
       "whose sizes were changed.",
       [](In in) -> Out { return training_tokens_of(in.deployment).assumed() ? 1 : 0; }},
      {kExpertExpansion, "expert_expansion", "expansion rate", g, "ratio",
       "Feed-forward parameters held over those that a token uses; 1 for a dense model.",
       [](In in) -> Out { return shape(in).experts; }},
      {kExpertGranularity, "expert_granularity", "granularity", g, "ratio",
       "Experts that together make what a token uses, shared ones included.",
       [](In in) -> Out { return shape(in).granularity; }},
      {kPredictedLoss, "predicted_loss_nats", "predicted loss", g, "nat",
       loss + ". Absent outside the sizes, tokens and experts that the law was fitted to.",
       predicted},
      {kPredictedLossExtrapolated, "predicted_loss_extrapolated_nats", "loss, extrapolated", g,
       "nat",
       loss + ". Value of the formula outside its fitted range: no prediction, at best an order.",
       extrapolated},
      {kPredictedLossLow, "predicted_loss_low_nats", "loss, from", g, "nat",
       "Lower end of its interval: the law's error, exponents uncertain by 10 % beyond the "
       "experiments, and the possible gain of finer experts (arXiv:2402.07871).",
       [](In in) -> Out { return loss_of(in.deployment).low; }},
      {kPredictedLossHigh, "predicted_loss_high_nats", "loss, to", g, "nat",
       "Upper end of its interval.", [](In in) -> Out { return loss_of(in.deployment).high; }},
      {kQualityLawExcessRatio, "quality_law_excess_ratio", "outside the law by", g, "ratio",
       "Largest factor by which size, tokens or experts lie outside the law's experiments; 1 = "
       "inside.",
       [](In in) -> Out { return loss_of(in.deployment).excess; }},
      {kPredictedLossFineGrained, "predicted_loss_fine_grained_nats", "loss, fine-grained law", g,
       "nat",
       "The same by the law of fine-grained MoE models, arXiv:2402.07871, on C4: not to be "
       "compared "
       "with the other. Absent for dense models and outside its experiments.",
       fine_grained},
      {kGranularityGain, "granularity_gain_nats", "gain of finer experts", g, "nat",
       "Gain of experts finer than one per token by that law; not in the predicted loss.", gain},
      {kEqualQualityDenseParams, "equal_quality_dense_params", "dense model of equal quality", g,
       "count",
       "Parameters of the dense model that the joint law gives the same loss after the same "
       "tokens; "
       "absent where no dense model reaches it.",
       equal_dense},
  };
}

}  // namespace moesim
