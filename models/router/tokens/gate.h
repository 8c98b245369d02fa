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
#include "models/router/tokens/text_loads.h"
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

// Makes the gates of one model layer by layer, over the effective dimensions of the hidden states.
// Everything that layers share is made once; layers may then be built by several threads.
class GateBuilder {
 public:
  // `loads` is what the gates aim at on text of sequences of `sequence_tokens`; without shapes it
  // is balance over all topics alike. How many sequences are served changes no gate.
  GateBuilder(const ModelSpec& model, const RoutingCalibration& calibration, TextLoads loads,
              std::int64_t sequence_tokens, std::uint64_t seed);

  // The gate of MoE layer `layer` at a relative depth (0 first, 1 last). Rows ~ N(0, 1/D) apart
  // from their norms and the offset along the mean direction.
  Gate gate(std::int64_t layer, double depth) const;

 private:
  // Random choices of one layer.
  struct Layout {
    std::vector<std::int32_t> direction;  // [outputs] shared direction of each row.
    std::vector<float> norm;              // [outputs] times sqrt(1/D).
    ExpertTargets target;                 // [outputs]
  };

  Layout layout(std::int64_t layer, double depth) const;
  void fill_rows(std::int64_t layer, const Layout& layout, Gate& gate) const;
  void remove_mean(Gate& gate) const;
  std::vector<float> sample_logits(const Gate& gate, std::int64_t layer, double depth) const;
  void apply(const std::vector<float>& scale, const std::vector<float>& offset, double depth,
             Gate& gate) const;
  bool offsets_along_mean() const;

  std::string model_name_;
  MoeSpec moe_;
  RoutingCalibration calibration_;
  TextLoads loads_;
  std::uint64_t seed_;
  std::int64_t outputs_;
  std::int64_t num_directions_;
  TokenGenerator sample_;          // The text that gates are fitted on.
  std::vector<float> mean_;        // [dimensions]
  std::vector<float> directions_;  // [num_directions, dimensions]
};

}  // namespace moesim
