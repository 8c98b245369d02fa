#include "reports/results/case_quality.h"

#include <fmt/format.h>

#include "models/quality/law_coefficients.h"
#include "reports/metrics/predicted_loss.h"

namespace moesim {

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
  const std::string given = tokens.assumed() ? fmt::format("{:g} per active parameter",
                                                           law_coefficients().tokens_per_active)
                                             : fmt::format("{:.3g}", tokens.tokens);
  const std::string path = tokens.confidence == "published"
                               ? "models/quality/training_tokens: " + deployment.model.name
                               : "training tokens";
  return {{"models/quality: predicted loss", kJointLaw,
           "arXiv:2502.05172v2 Table 3; FineWeb-Edu, GPT-2 tokenizer, up to 2.7 B active "
           "parameters, 80 B tokens, 32 experts",
           "indicative", Enters::kTime},
          {"models/quality: gain of finer experts", kFineGrainedLaw,
           "arXiv:2402.07871 Table 1; C4, expansion rate 64, up to 3.7 B parameters, 130 B tokens",
           "indicative", Enters::kTime},
          {path, given, fmt::format("{} ({})", tokens.source, tokens.confidence), "indicative",
           Enters::kTime}};
}

}  // namespace moesim
