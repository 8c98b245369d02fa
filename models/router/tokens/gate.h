// Gate matrices for models whose trained gates we do not have: random rows with the row norms,
// shared directions and popularity offsets that make the routed loads come out as published, or,
// where training balances by a correction bias, with that bias trained to balance.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/model_spec.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/tokens/calibration.h"
#include "models/router/tokens/token_generator.h"

namespace moesim {

// The gate of one layer.
struct Gate {
  std::int64_t hidden_size = 0;
  std::vector<float> weight;      // [outputs, hidden_size]
  std::vector<float> bias;        // [outputs], empty without gate_bias.
  std::vector<float> correction;  // [outputs], empty without correction_bias.

  GateView view() const;
};

// Makes the gates of one model layer by layer. Everything that layers share is made once; layers
// may then be built by several threads.
class GateBuilder {
 public:
  // `generator` must outlive the builder.
  GateBuilder(const std::string& model_name, const MoeSpec& moe,
              const RoutingCalibration& calibration, const TokenGenerator& generator,
              std::uint64_t seed);

  // The gate of MoE layer `layer` at a relative depth (0 first, 1 last). Rows ~ N(0, 1/H) apart
  // from their norm spread and the offset along the mean direction.
  Gate gate(std::int64_t layer, double depth) const;

 private:
  // Random choices of one layer.
  struct Layout {
    std::vector<std::int32_t> direction;  // [outputs] shared direction of each row.
    std::vector<float> norm;              // [outputs] times sqrt(1/H).
    std::vector<double> target;           // [outputs] load over mean.
  };

  Layout layout(std::int64_t layer, double depth) const;
  void fill_rows(std::int64_t layer, const Layout& layout, Gate& gate) const;
  std::vector<float> sample_logits(const Gate& gate, const Layout& layout, double depth) const;
  std::vector<float> fit_offsets(const Layout& layout, std::vector<float> logits) const;
  void add_offsets(const std::vector<float>& offsets, double depth, Gate& gate) const;
  bool fits_mean_direction() const;

  std::string model_name_;
  MoeSpec moe_;
  RoutingCalibration calibration_;
  const TokenGenerator& generator_;
  std::uint64_t seed_;
  std::int64_t outputs_;
  std::int64_t num_directions_;
  std::int64_t common_types_;      // Most frequent token types, with a logit row of their own.
  std::vector<float> directions_;  // [num_directions, hidden_size]
  std::vector<float> parts_;       // Topic, common type and mean vectors, stride apart.
  std::vector<TokenLabel> sample_labels_;  // Of the tokens that offsets are fitted on.
  std::vector<float> sample_noise_;        // [sample token][outputs + num_directions], Gaussian.
};

}  // namespace moesim
