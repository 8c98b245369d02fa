// What a case's predicted quality rests on, in words: law, training tokens, and where the law was
// never tried. The numbers are metrics.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec/device.h"
#include "sim/deployment/deployment.h"

namespace moesim {

struct CaseQuality {
  std::string law;              // Empty where nothing is known of the model.
  std::string training_tokens;  // "14.8e12: arXiv:2412.19437 (published)"
  bool tokens_assumed = false;
  std::vector<std::string> outside;  // "37 B active parameters against at most 2.7 B"
};

CaseQuality quality_of(const Deployment& deployment);
std::vector<Fact> quality_facts(const Deployment& deployment);

}  // namespace moesim
