// Tokens of texts whose counts nobody states, from sim/deployment/text_tokens.yaml.
#pragma once

#include <string>

#include "hardware/spec/variation.h"

namespace moesim {

struct TextTokens {
  double characters_per_token = 0;
  std::string source;
};

// As stated or drawn. Throws: InputError if the shipped file has faults.
TextTokens text_tokens(const Variation& variation);

}  // namespace moesim
