// What a case's predicted quality rests on, in words: law, training tokens, and where the law was
// never tried. The numbers are metrics.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hardware/spec/device.h"
#include "models/quality/scaling_laws.h"
#include "sim/deployment/deployment.h"

namespace moesim {

struct CaseReport;

struct CaseQuality {
  std::string law;              // Empty where nothing is known of the model.
  std::string training_tokens;  // "14.8e12: arXiv:2412.19437 (published)"
  bool tokens_assumed = false;
  std::vector<std::string> outside;  // "37 B active parameters against at most 2.7 B"
};

// Tokens of the deployment, or the assumption where nobody has decided them.
TrainingTokens training_tokens_of(const Deployment& deployment);

LossEstimate loss_of(const Deployment& deployment);

CaseQuality quality_of(const Deployment& deployment);
std::vector<Fact> quality_facts(const Deployment& deployment);

// "outside the law's experiments (37 B active parameters against at most 2.7 B; ...): no
// prediction, an extrapolation of 14x"; empty inside them.
std::string extrapolation_words(const CaseReport& report);

// The predicted loss, or what the formula gives outside its experiments; nothing without either.
std::optional<double> ranked_loss(const CaseReport& report);

nlohmann::ordered_json to_json(const CaseQuality& quality);
CaseQuality case_quality_from_json(const nlohmann::ordered_json& json);

}  // namespace moesim
