// How many tokens a model was trained on: published by its authors, or an assumption that is marked
// as one.
#pragma once

#include <string>

#include "models/spec/model_spec.h"

namespace moesim {

struct TrainingTokens {
  double tokens = 0;  // 0 = not decided.
  std::string source;
  // published, scenario, borrowed (by other sizes of a published model), assumption.
  std::string confidence;

  bool assumed() const { return confidence == "assumption"; }
};

// Training tokens of the catalog's model of that name, from models/quality/training_tokens.yaml;
// where it is not published, 20 tokens per active parameter. Source of the 20: Hoffmann et al.
// 2022, arXiv:2203.15556, Table 3 (dense, compute-optimal). Throws: InputError if the shipped file
// has faults.
TrainingTokens training_tokens_of(const ModelSpec& model);

// The assumption alone.
TrainingTokens assumed_training_tokens(const ModelSpec& model);

}  // namespace moesim
