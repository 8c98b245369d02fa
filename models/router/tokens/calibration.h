// Statistics of real routing that the token generator imitates, per model family, read from
// calibration.yaml. Each family says where its numbers come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/model_spec.h"

namespace moesim {

// A parameter over the depth of the model: linear between first, middle and last MoE layer.
struct DepthProfile {
  double first = 0;
  double middle = 0;
  double last = 0;

  // Requires: 0 <= depth <= 1.
  double at(double depth) const;
};

// Tokens of each expert over the mean, falling, at a depth; resampled by rank for other expert
// counts.
struct LoadShape {
  double depth = 0;  // 0 = first MoE layer, 1 = last.
  std::vector<double> load_over_mean;
};

// What a token's hidden state is made of; shares are shares of its squared length.
struct RoutingCalibration {
  std::string name;
  std::vector<std::string>
      architectures;  // Empty: the default, for models without published figures.
  std::string source;
  std::string provenance;  // "calibrated" or "assumption".
  std::int64_t num_topics = 0;
  double topic_exponent = 0;    // Popularity of topic z ~ (z + 1)^-exponent.
  double topic_stay = 0;        // Probability that the next token keeps the topic.
  std::int64_t vocabulary = 0;  // Token types; type w ~ 1 / (w + 2.7) (Zipf-Mandelbrot).
  DepthProfile topic_share;
  DepthProfile token_share;
  DepthProfile noise_correlation;      // Of consecutive tokens' noise.
  DepthProfile norm_spread;            // Standard deviation of ln |row| over the gate's rows.
  double persistent_noise = 0;         // Share of a token's noise that is the same in all layers.
  double shared_direction = 0;         // Share of a gate row that it has in common with others ...
  std::int64_t direction_experts = 1;  // ... of its cluster of so many experts, in every layer.
  std::vector<LoadShape> loads;        // Empty: trained to balance.

  // Falling loads over mean for `num_experts` experts; all 1 when trained to balance.
  std::vector<double> target_loads(double depth, std::int64_t num_experts,
                                   std::int64_t top_k) const;
};

// The calibration for a model: its architecture's, or the default for its router (balanced where a
// correction bias is trained, skewed otherwise).
// Throws: InputError if calibration.yaml is missing or wrong.
RoutingCalibration routing_calibration(const ModelSpec& model);

// All families of a calibration text, in file order. `name` is what messages call it.
// Throws: InputError with every fault.
std::vector<RoutingCalibration> read_calibration(const std::string& text, const std::string& name);

}  // namespace moesim
