// Fits each expert's logit offset, and where first choices are known the spread of its logits, so
// that the loads of a sample of tokens meet their targets.
#pragma once

#include <span>
#include <vector>

#include "models/router/tokens/text_loads.h"
#include "models/spec/model_spec.h"

namespace moesim {

// logit_e -> scale_e logit_e + offset_e; with a correction bias the offsets are that bias.
struct GateFit {
  std::vector<float> scale;   // [outputs]
  std::vector<float> offset;  // [outputs]
};

// Requires: logits [tokens, outputs] in text order with at least one token; norm [outputs] is the
// standard deviation of each output's logits about its mean.
GateFit fit_gate(const MoeSpec& moe, std::span<const float> logits, const std::vector<float>& norm,
                 const ExpertTargets& target);

// The value that a standard normal exceeds with probability `share`. Requires: 0 < share < 1.
double upper_quantile(double share);

}  // namespace moesim
