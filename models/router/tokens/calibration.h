// Statistics of real routing that the token generator imitates, per model family, read from
// calibration.yaml. Each family says where its numbers come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

// A parameter over the depth of the model: linear between first, middle and last MoE layer.
struct DepthProfile {
  double first = 0;
  double middle = 0;
  double last = 0;

  // Requires: 0 <= depth <= 1.
  double at(double depth) const;
};

// Tokens of each expert over the mean at one depth, in the order of the real model's experts.
struct LoadShape {
  double depth = 0;  // 0 = first MoE layer, 1 = last.
  std::vector<double> load_over_mean;
  std::vector<double> first_over_mean;  // The same of first choices; empty = not published.
};

// Loads that were counted on one kind of text.
struct TextDomain {
  std::string name;                     // "collection/text", or a text alone.
  std::vector<std::string> stands_for;  // Kinds of text without counts that use these.
  std::vector<LoadShape> loads;         // Rising depth.
};

// Parts of a token's hidden state; shares are shares of its squared length.
struct RoutingCalibration {
  std::string name;
  std::vector<std::string> architectures;  // Empty: the default, without published figures.
  std::string source;
  std::string provenance;  // "calibrated" or "assumption".
  // Effective dimensions of the hidden states, at most the model's width. Real states have
  // hundreds; more change nothing for a gate (token_generator.h).
  std::int64_t state_dimensions = 1024;
  std::int64_t num_topics = 0;
  double topic_exponent = 0;    // Popularity of topic z ~ (z + 1)^-exponent.
  double topic_stay = 0;        // Probability that the next token keeps the topic.
  std::int64_t vocabulary = 0;  // Token types; type w ~ 1 / (w + 2.7) (Zipf-Mandelbrot).
  double mean_share = 0.1;      // Share of the direction that all tokens have in common.
  DepthProfile topic_share;
  DepthProfile token_share;
  DepthProfile noise_correlation;      // Correlation of consecutive tokens' noise.
  DepthProfile carried;                // Tokens whose state is their predecessor's (one span).
  DepthProfile norm_spread;            // Standard deviation of ln |row| over the gate's rows.
  double persistent_noise = 0;         // Share of a token's noise that is the same in all layers.
  double shared_direction = 0;         // Share of a gate row that it has in common with others ...
  std::int64_t direction_experts = 1;  // ... of its cluster of so many experts, in every layer.
  double domain_spread = 0;            // Standard deviation of ln load between kinds of text ...
  std::vector<TextDomain> domains;     // ... unless these say more.
  std::vector<LoadShape> loads;  // Of the mixture, without domains. Empty: trained to balance.
};

// The calibration for a model: its architecture's, or the default for its router (balanced where a
// correction bias is trained, skewed otherwise).
// Throws: InputError if calibration.yaml is missing or wrong.
RoutingCalibration routing_calibration(const ModelSpec& model);

// All families of a calibration text, in file order. `name` is what messages call it.
// Throws: InputError with every fault.
std::vector<RoutingCalibration> read_calibration(const std::string& text, const std::string& name);

// The text of calibration.yaml, for keys of caches.
// Throws: InputError if it is missing.
std::string calibration_text();

}  // namespace moesim
