// Gate matrices for models whose trained gates we do not have: random rows with the row norms,
// shared directions and popularity offsets that make the routed loads come out as published, or,
// where training balances by a correction bias, with that bias trained to balance.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/router/kernel/router_kernel.h"
#include "models/router/tokens/calibration.h"
#include "models/router/tokens/gate_rows.h"
#include "models/router/tokens/text_loads.h"
#include "models/router/tokens/token_generator.h"
#include "models/spec/model_spec.h"

namespace moesim {

// A generated gate of one layer. The weight of output e is
//   w_e = scale_e g_row(e) + along_mean_e m,
// so that its logits are sums of the products of hidden states with the rows g and the mean m.
struct GeneratedGate {
  std::vector<std::int32_t> row;  // [outputs]
  std::vector<float> scale;       // [outputs]
  std::vector<float> along_mean;  // [outputs]
  std::vector<float> bias;        // [outputs]; 0 without gate_bias.
  std::vector<float> correction;  // [outputs], empty without correction_bias.

  // Logits of the first `tokens`. Shapes: logits [tokens, outputs].
  void logits(const RowResponses& responses, std::int64_t tokens, float* logits) const;
};

// Whether offsets go into the weights: a model without a bias can shift a logit only by its
// response to the direction that all tokens share.
bool offsets_along_mean(const RouterSpec& router);

// Makes the gates of one model layer by layer, over the effective dimensions of the hidden states.
// Thread-safe.
class GateBuilder {
 public:
  // `loads` is the target of the gates; without shapes it is balance over all topics.
  GateBuilder(const ModelSpec& model, const RoutingCalibration& calibration, TextLoads loads,
              std::uint64_t seed);

  std::int64_t outputs() const { return outputs_; }

  // The gate of MoE layer `layer` at a relative depth (0 first, 1 last), not fitted yet: rows in
  // their order, with norms about sqrt(1/D). All models that differ in top_k alone have the same.
  GeneratedGate unfitted(std::int64_t layer, double depth) const;

  // Fits offsets, and spreads where first choices are known, to the loads.
  // Shapes: logits [tokens, outputs] of the unfitted gate on the text that gates are fitted on.
  void fit(std::int64_t layer, double depth, const std::vector<float>& logits,
           GeneratedGate& gate) const;

 private:
  ExpertTargets targets(std::int64_t layer, double depth) const;

  std::string model_name_;
  MoeSpec moe_;
  RoutingCalibration calibration_;
  TextLoads loads_;
  std::uint64_t seed_;
  std::int64_t outputs_;
  std::int64_t state_dimensions_;
};

// The text that gates are fitted on. Published loads are those of some text, here the beginning of
// the one that is served (another by the same law where sequences are long: one sequence has few
// topics); balance is trained over all topics alike. How many sequences are served changes nothing.
TokenGenerator fitting_text(const ModelSpec& model, RoutingCalibration calibration, bool balanced,
                            std::int64_t sequence_tokens, std::uint64_t seed);

}  // namespace moesim
