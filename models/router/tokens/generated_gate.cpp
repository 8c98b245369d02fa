#include "models/router/tokens/generated_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/router/tokens/gate_fit.h"

namespace moesim {

namespace {

constexpr std::int64_t kSampleTokens = 4096;

template <typename T>
void shuffle(std::vector<T>& items, RandomStream& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

// Which expert gets which of the falling targets.
void shuffle(ExpertTargets& targets, RandomStream& random) {
  for (std::size_t i = targets.load.size(); i > 1; --i) {
    const std::size_t j = random.below(i);
    std::swap(targets.load[i - 1], targets.load[j]);
    if (!targets.first.empty()) std::swap(targets.first[i - 1], targets.first[j]);
  }
}

}  // namespace

void GeneratedGate::logits(const RowResponses& responses, std::int64_t tokens,
                           float* logits) const {
  const std::size_t outputs = row.size();
  for (std::int64_t t = 0; t < tokens; ++t, logits += outputs) {
    const float* products = responses.rows(t);
    const float mean = responses.along_mean(t);
    for (std::size_t e = 0; e < outputs; ++e) {
      logits[e] = scale[e] * products[row[e]] + (along_mean[e] * mean + bias[e]);
    }
  }
}

bool offsets_along_mean(const RouterSpec& router) {
  return !router.correction_bias && !router.gate_bias;
}

TokenGenerator fitting_text(const ModelSpec& model, RoutingCalibration calibration, bool balanced,
                            std::int64_t sequence_tokens, std::uint64_t seed) {
  const std::int64_t length = std::min<std::int64_t>(sequence_tokens, balanced ? 8 : 32);
  if (balanced) calibration.topic_exponent = 0;
  return {calibration,
          model.hidden_size,
          {kSampleTokens / length, length},
          seed,
          balanced ? "training text" : "text"};
}

GateBuilder::GateBuilder(const ModelSpec& model, const RoutingCalibration& calibration,
                         TextLoads loads, std::uint64_t seed)
    : model_name_(model.name),
      moe_(model.moe()),
      calibration_(calibration),
      loads_(std::move(loads)),
      seed_(seed),
      outputs_(gate_outputs(moe_)),
      state_dimensions_(state_dimensions(calibration, model.hidden_size)) {}

GeneratedGate GateBuilder::unfitted(std::int64_t layer, double depth) const {
  RandomStream random(seed_, fmt::format("gate layout/{}/{}", model_name_, layer));
  const auto outputs = static_cast<std::size_t>(outputs_);
  GeneratedGate gate;
  gate.row.resize(outputs);
  std::iota(gate.row.begin(), gate.row.end(), 0);
  shuffle(gate.row, random);
  double squares = 0;
  for (std::int64_t e = 0; e < outputs_; ++e) {
    const double share = (static_cast<double>(e) + 0.5) / static_cast<double>(outputs_);
    gate.scale.push_back(
        static_cast<float>(std::exp(calibration_.norm_spread.at(depth) * upper_quantile(share))));
    squares += gate.scale.back() * gate.scale.back();
  }
  const auto rms = static_cast<float>(std::sqrt(squares / static_cast<double>(outputs_)));
  for (float& norm : gate.scale) norm /= rms;
  shuffle(gate.scale, random);
  gate.along_mean.assign(outputs, 0.0F);
  gate.bias.assign(outputs, 0.0F);
  return gate;
}

ExpertTargets GateBuilder::targets(std::int64_t layer, double depth) const {
  if (loads_.shapes.empty()) {
    return {std::vector<double>(static_cast<std::size_t>(outputs_), 1.0), {}};
  }
  // Another kind of text prefers other experts.
  RandomStream text(seed_, fmt::format("gate loads/{}/{}/{}", model_name_, layer, loads_.domain));
  ExpertTargets target = expert_targets(loads_, depth, outputs_, moe_.top_k, text);
  shuffle(target, text);
  return target;
}

// Puts the offsets where the model has room for them: its correction bias, its gate bias, or the
// gate's response to the mean direction, w_e += (o_e / e) m / D.
void GateBuilder::fit(std::int64_t layer, double depth, const std::vector<float>& logits,
                      GeneratedGate& gate) const {
  const GateFit fit = fit_gate(moe_, logits, gate.scale, targets(layer, depth));
  for (std::size_t e = 0; e < gate.scale.size(); ++e) gate.scale[e] *= fit.scale[e];
  if (moe_.router.correction_bias) {
    gate.correction = fit.offset;
  } else if (moe_.router.gate_bias) {
    gate.bias = fit.offset;
  } else {
    const float amplitude =
        state_mix(calibration_, depth).mean * static_cast<float>(state_dimensions_);
    for (std::size_t e = 0; e < fit.offset.size(); ++e)
      gate.along_mean[e] = fit.offset[e] / amplitude;
  }
}

}  // namespace moesim
