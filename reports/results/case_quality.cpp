#include "reports/results/case_quality.h"

#include <fmt/format.h>

#include "reports/results/metrics.h"

namespace moesim {

using Json = nlohmann::ordered_json;

TrainingTokens training_tokens_of(const Deployment& deployment) {
  if (deployment.training.tokens > 0) return deployment.training;
  return assumed_training_tokens(deployment.model);
}

LossEstimate loss_of(const Deployment& deployment) {
  return estimate_loss(law_shape(deployment.model), training_tokens_of(deployment).tokens);
}

CaseQuality quality_of(const Deployment& deployment) {
  const TrainingTokens tokens = training_tokens_of(deployment);
  CaseQuality quality;
  quality.law = kJointLaw;
  quality.training_tokens =
      fmt::format("{:.3g}: {} ({})", tokens.tokens, tokens.source, tokens.confidence);
  quality.tokens_assumed = tokens.assumed();
  quality.outside = loss_of(deployment).outside;
  return quality;
}

// None of them is drawn for intervals: the loss has an interval of its own.
std::vector<Fact> quality_facts(const Deployment& deployment) {
  const TrainingTokens tokens = training_tokens_of(deployment);
  const std::string given = tokens.assumed() ? std::string("20 per active parameter")
                                             : fmt::format("{:.3g}", tokens.tokens);
  const std::string path = tokens.confidence == "published"
                               ? "models/quality/training_tokens: " + deployment.model.name
                               : "training tokens";
  return {{"models/quality: predicted loss", kJointLaw,
           "arXiv:2502.05172v2 Table 3; FineWeb-Edu, GPT-2 tokenizer, up to 2.7 B active "
           "parameters, 80 B tokens, 32 experts",
           "indicative"},
          {"models/quality: gain of finer experts", kFineGrainedLaw,
           "arXiv:2402.07871 Table 1; C4, expansion rate 64, up to 3.7 B parameters, 130 B tokens",
           "indicative"},
          {path, given, fmt::format("{} ({})", tokens.source, tokens.confidence), "indicative"}};
}

std::string extrapolation_words(const CaseReport& report) {
  const CaseQuality& quality = report.quality;
  if (quality.outside.empty()) return "";
  std::string list;
  for (const std::string& what : quality.outside) list += (list.empty() ? "" : "; ") + what;
  const double excess = metric(report, "quality_law_excess_ratio").value_or(1);
  return fmt::format(
      "outside the scaling law's experiments ({}): no prediction but an extrapolation, by a factor "
      "of {:.3g}",
      list, excess);
}

std::optional<double> ranked_loss(const CaseReport& report) {
  const auto inside = metric(report, "predicted_loss_nats");
  return inside ? inside : metric(report, "predicted_loss_extrapolated_nats");
}

Json to_json(const CaseQuality& quality) {
  return {{"law", quality.law},
          {"training_tokens", quality.training_tokens},
          {"training_tokens_assumed", quality.tokens_assumed},
          {"outside_the_law", quality.outside}};
}

CaseQuality case_quality_from_json(const Json& json) {
  CaseQuality quality;
  quality.law = json.at("law");
  quality.training_tokens = json.at("training_tokens");
  quality.tokens_assumed = json.at("training_tokens_assumed");
  quality.outside = json.at("outside_the_law").get<std::vector<std::string>>();
  return quality;
}

}  // namespace moesim
