#include "models/router/tokens/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/router/tokens/gate_fit.h"

namespace moesim {

namespace {

constexpr std::int64_t kSampleTokens = 4096;

// Nearly Gaussian (sum of four uniforms, variance 1): entries of a gate row are only ever summed.
float rough_gaussian(RandomStream& random) {
  const std::uint64_t bits = random();
  const auto sum = static_cast<std::int64_t>((bits & 0xFFFFU) + (bits >> 16 & 0xFFFFU) +
                                             (bits >> 32 & 0xFFFFU) + (bits >> 48));
  constexpr float kScale = 1.7320508F / 65536.0F;
  return static_cast<float>(sum - 2 * 65535) * kScale;
}

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

// The text that gates are fitted on. Published loads are those of some text, here the beginning of
// the one that is served (another by the same law where sequences are long: one sequence has few
// topics); balance is trained over all topics alike.
TokenGenerator sample_text(const ModelSpec& model, RoutingCalibration calibration, bool balanced,
                           std::int64_t sequence_tokens, std::uint64_t seed) {
  const std::int64_t length = std::min<std::int64_t>(sequence_tokens, balanced ? 8 : 32);
  if (balanced) calibration.topic_exponent = 0;
  return {calibration,
          model.hidden_size,
          {kSampleTokens / length, length},
          seed,
          balanced ? "training text" : "text"};
}

}  // namespace

GateView Gate::view() const {
  const auto rows = static_cast<std::int64_t>(weight.size()) / hidden_size;
  return {{weight.data(), rows, hidden_size, hidden_size}, bias, correction};
}

GateBuilder::GateBuilder(const ModelSpec& model, const RoutingCalibration& calibration,
                         TextLoads loads, std::int64_t sequence_tokens, std::uint64_t seed)
    : model_name_(model.name),
      moe_(model.moe()),
      calibration_(calibration),
      loads_(std::move(loads)),
      seed_(seed),
      outputs_(gate_outputs(moe_)),
      num_directions_((outputs_ + calibration.direction_experts - 1) /
                      calibration.direction_experts),
      sample_(sample_text(model, calibration, loads_.shapes.empty(), sequence_tokens, seed)),
      mean_(sample_.mean_vector()) {
  RandomStream rows(seed, fmt::format("gate directions/{}", model_name_));
  directions_.resize(static_cast<std::size_t>(num_directions_ * sample_.dimensions()));
  for (float& entry : directions_) entry = rough_gaussian(rows);
}

// Where a model has no bias, only its response to what all tokens share can shift a logit.
bool GateBuilder::offsets_along_mean() const {
  return !moe_.router.correction_bias && !moe_.router.gate_bias;
}

GateBuilder::Layout GateBuilder::layout(std::int64_t layer, double depth) const {
  RandomStream random(seed_, fmt::format("gate layout/{}/{}", model_name_, layer));
  Layout made;
  made.direction.resize(static_cast<std::size_t>(outputs_));
  for (std::size_t e = 0; e < made.direction.size(); ++e) {
    made.direction[e] =
        static_cast<std::int32_t>(static_cast<std::int64_t>(e) / calibration_.direction_experts);
  }
  shuffle(made.direction, random);
  double squares = 0;
  for (std::int64_t e = 0; e < outputs_; ++e) {
    const double share = (static_cast<double>(e) + 0.5) / static_cast<double>(outputs_);
    made.norm.push_back(
        static_cast<float>(std::exp(calibration_.norm_spread.at(depth) * upper_quantile(share))));
    squares += made.norm.back() * made.norm.back();
  }
  const auto rms = static_cast<float>(std::sqrt(squares / static_cast<double>(outputs_)));
  for (float& norm : made.norm) norm /= rms;
  shuffle(made.norm, random);
  if (loads_.shapes.empty()) {
    made.target.load.assign(static_cast<std::size_t>(outputs_), 1.0);
    return made;
  }
  // Another kind of text prefers other experts.
  RandomStream text(seed_, fmt::format("gate loads/{}/{}/{}", model_name_, layer, loads_.domain));
  made.target = expert_targets(loads_, depth, outputs_, moe_.top_k, text);
  shuffle(made.target, text);
  return made;
}

void GateBuilder::fill_rows(std::int64_t layer, const Layout& layout, Gate& gate) const {
  RandomStream random(seed_, fmt::format("gate rows/{}/{}", model_name_, layer));
  const auto width = static_cast<std::size_t>(gate.hidden_size);
  const double unit = 1 / std::sqrt(static_cast<double>(width));
  const auto own = static_cast<float>(unit * std::sqrt(1 - calibration_.shared_direction));
  const auto shared = static_cast<float>(unit * std::sqrt(calibration_.shared_direction));
  for (std::size_t e = 0; e < layout.norm.size(); ++e) {
    float* row = gate.weight.data() + e * width;
    const float* direction =
        directions_.data() + static_cast<std::size_t>(layout.direction[e]) * width;
    for (std::size_t i = 0; i < width; ++i) {
      row[i] = layout.norm[e] * (own * rough_gaussian(random) + shared * direction[i]);
    }
  }
}

// w_i -= (w_i . m) m / D: what all tokens share says nothing until the offsets are known.
void GateBuilder::remove_mean(Gate& gate) const {
  const std::size_t width = mean_.size();
  for (std::size_t begin = 0; begin < gate.weight.size(); begin += width) {
    float* row = gate.weight.data() + begin;
    const float along = std::inner_product(row, row + width, mean_.data(), 0.0F);
    const float shift = along / static_cast<float>(width);
    for (std::size_t i = 0; i < width; ++i) row[i] -= shift * mean_[i];
  }
}

std::vector<float> GateBuilder::sample_logits(const Gate& gate, std::int64_t layer,
                                              double depth) const {
  const TextSize size = sample_.size();
  const std::int64_t dimensions = sample_.dimensions();
  const std::int64_t chunk = std::max<std::int64_t>(1, 256 / size.sequence_tokens);
  std::vector<float> states(static_cast<std::size_t>(chunk * size.sequence_tokens * dimensions));
  std::vector<float> logits(
      static_cast<std::size_t>(size.sequences * size.sequence_tokens * outputs_));
  for (std::int64_t first = 0; first < size.sequences; first += chunk) {
    const std::int64_t count = std::min(chunk, size.sequences - first);
    sample_.hidden_states(layer, depth, first, count, states.data());
    multiply_by_transpose({states.data(), count * size.sequence_tokens, dimensions, dimensions},
                          gate.view().weight,
                          logits.data() + first * size.sequence_tokens * outputs_);
  }
  return logits;
}

// Puts the offsets where the model has room for them: its correction bias, its gate bias, or the
// gate's response to the mean direction, w_i += (o_i / e) m / D.
void GateBuilder::apply(const std::vector<float>& scale, const std::vector<float>& offset,
                        double depth, Gate& gate) const {
  if (moe_.router.correction_bias) gate.correction = offset;
  if (moe_.router.gate_bias) gate.bias.assign(offset.size(), 0.0F);
  if (moe_.router.gate_bias && !moe_.router.correction_bias) gate.bias = offset;
  const std::size_t width = mean_.size();
  const float amplitude = state_mix(calibration_, depth).mean * static_cast<float>(width);
  for (std::size_t e = 0; e < offset.size(); ++e) {
    float* row = gate.weight.data() + e * width;
    const float shift = offsets_along_mean() ? offset[e] / amplitude : 0.0F;
    for (std::size_t i = 0; i < width; ++i) row[i] = scale[e] * row[i] + shift * mean_[i];
  }
}

Gate GateBuilder::gate(std::int64_t layer, double depth) const {
  Gate made;
  made.hidden_size = sample_.dimensions();
  made.weight.resize(static_cast<std::size_t>(outputs_ * made.hidden_size));
  const Layout random = layout(layer, depth);
  fill_rows(layer, random, made);
  if (offsets_along_mean()) remove_mean(made);
  const GateFit fit = fit_gate(moe_, sample_logits(made, layer, depth), random.norm, random.target);
  apply(fit.scale, fit.offset, depth, made);
  return made;
}

}  // namespace moesim
