#include "models/router/tokens/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moesim {

namespace {

constexpr std::int64_t kSampleTokens = 4096;
constexpr std::int64_t kCommonTypes = 256;

// Nearly Gaussian (sum of four uniforms, variance 1): entries of a gate row are only ever summed.
float rough_gaussian(RandomStream& random) {
  const std::uint64_t bits = random();
  const auto sum = static_cast<std::int64_t>((bits & 0xFFFFU) + (bits >> 16 & 0xFFFFU) +
                                             (bits >> 32 & 0xFFFFU) + (bits >> 48));
  constexpr float kScale = 1.7320508F / 65536.0F;
  return static_cast<float>(sum - 2 * 65535) * kScale;
}

// Gaussian by Box and Muller's polar form would need rejection; the tails matter here, so sum 12.
float gaussian(RandomStream& random) {
  return (rough_gaussian(random) + rough_gaussian(random) + rough_gaussian(random)) * 0.57735027F;
}

template <typename T>
void shuffle(std::vector<T>& items, RandomStream& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

// The logit that a standard normal exceeds with probability `share` (Source: Abramowitz and Stegun
// 26.2.23, absolute error below 4.5e-4).
double upper_quantile(double share) {
  const double p = std::min(share, 1 - share);
  const double t = std::sqrt(-2 * std::log(std::max(p, 1e-12)));
  const double x = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) /
                           (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
  return share < 0.5 ? x : -x;
}

double log_odds(double share) {
  return std::log(share / (1 - share));
}

// d score / d logit at the logit that a chosen expert just reaches: turns logit steps into bias
// steps.
double score_slope(const MoeSpec& moe, std::int64_t outputs) {
  const double share = static_cast<double>(moe.top_k) / static_cast<double>(outputs + 1);
  const double z = upper_quantile(share);
  const double sigmoid = 1 / (1 + std::exp(-z));
  switch (moe.router.score) {
    case ScoreFunction::kSigmoid:
      return sigmoid * (1 - sigmoid);
    case ScoreFunction::kSqrtSoftplus:
      return sigmoid / (2 * std::sqrt(std::log1p(std::exp(z))));
    case ScoreFunction::kSoftmax:
    case ScoreFunction::kOne:
      break;
  }
  return std::exp(z - 0.5) / static_cast<double>(outputs);
}

}  // namespace

GateView Gate::view() const {
  const auto rows = static_cast<std::int64_t>(weight.size()) / hidden_size;
  return {{weight.data(), rows, hidden_size, hidden_size}, bias, correction};
}

GateBuilder::GateBuilder(const std::string& model_name, const MoeSpec& moe,
                         const RoutingCalibration& calibration, const TokenGenerator& generator,
                         std::uint64_t seed)
    : model_name_(model_name),
      moe_(moe),
      calibration_(calibration),
      generator_(generator),
      seed_(seed),
      outputs_(gate_outputs(moe)),
      num_directions_((outputs_ + calibration.direction_experts - 1) /
                      calibration.direction_experts),
      common_types_(std::min(kCommonTypes, calibration.vocabulary)) {
  RandomStream rows(seed, fmt::format("gate directions/{}", model_name));
  directions_.resize(static_cast<std::size_t>(num_directions_ * generator.hidden_size()));
  for (float& entry : directions_) entry = rough_gaussian(rows);

  const std::int64_t stride = generator.stride();
  parts_.resize(static_cast<std::size_t>((calibration.num_topics + common_types_ + 1) * stride));
  float* row = parts_.data();
  for (std::int64_t z = 0; z < calibration.num_topics; ++z, row += stride) {
    generator.topic_vector(z, row);
  }
  for (std::int64_t w = 0; w < common_types_; ++w, row += stride) generator.type_vector(w, row);
  generator.mean_vector(row);

  RandomStream sample(seed, "gate sample");
  const bool balanced = calibration.loads.empty();
  const std::vector<TokenLabel>& labels = generator.labels();
  const std::vector<double> types = zipf_cumulative(calibration.vocabulary, 1, kMandelbrotShift);
  for (std::int64_t t = 0; t < kSampleTokens; ++t) {
    // Published loads are those of some text, here the bank's own; balance is trained over all
    // topics.
    TokenLabel label = labels[sample.below(labels.size())];
    if (balanced) label.topic = static_cast<std::uint16_t>(t % calibration.num_topics);
    label.type = static_cast<std::uint16_t>(draw_cumulative(types, sample));
    sample_labels_.push_back(label);
  }
  sample_noise_.resize(static_cast<std::size_t>(kSampleTokens * (outputs_ + num_directions_)));
  for (float& value : sample_noise_) value = gaussian(sample);
}

bool GateBuilder::fits_mean_direction() const {
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
  for (float& norm : made.norm)
    norm /= std::sqrt(static_cast<float>(squares / static_cast<double>(outputs_)));
  shuffle(made.norm, random);
  made.target = calibration_.target_loads(depth, outputs_, moe_.top_k);
  shuffle(made.target, random);
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

// Logits of the sample tokens: the parts that many tokens share go through the real gate; the rest
// of a hidden state is noise to the gate and enters as the Gaussian that W n is.
std::vector<float> GateBuilder::sample_logits(const Gate& gate, const Layout& layout,
                                              double depth) const {
  const StateMix mix = state_mix(calibration_, depth);
  const auto outputs = static_cast<std::size_t>(outputs_);
  const std::int64_t num_parts = calibration_.num_topics + common_types_ + 1;
  std::vector<float> part_logits(static_cast<std::size_t>(num_parts) * outputs);
  multiply_by_transpose({parts_.data(), num_parts, gate.hidden_size, generator_.stride()},
                        gate.view().weight, part_logits.data());
  const float own = std::sqrt(1 - static_cast<float>(calibration_.shared_direction));
  const float shared = std::sqrt(static_cast<float>(calibration_.shared_direction));
  const float* mean = part_logits.data() + static_cast<std::size_t>(num_parts - 1) * outputs;
  std::vector<float> logits(sample_labels_.size() * outputs);
  for (std::size_t t = 0; t < sample_labels_.size(); ++t) {
    const TokenLabel label = sample_labels_[t];
    const bool common = label.type < common_types_;
    const auto type_row =
        static_cast<std::size_t>(calibration_.num_topics) + (common ? label.type : 0);
    const float* topic = part_logits.data() + label.topic * outputs;
    const float* type = part_logits.data() + type_row * outputs;
    const float type_weight = common ? mix.token : 0.0F;
    const float noise_weight =
        std::sqrt(mix.noise * mix.noise + (common ? 0.0F : mix.token * mix.token));
    const float* noise =
        sample_noise_.data() + t * (outputs + static_cast<std::size_t>(num_directions_));
    float* row = logits.data() + t * outputs;
    for (std::size_t e = 0; e < outputs; ++e) {
      const float n = own * noise[e] + shared * noise[outputs_ + layout.direction[e]];
      row[e] = mix.topic * topic[e] + type_weight * type[e] + noise_weight * layout.norm[e] * n;
      if (!fits_mean_direction()) row[e] += mix.mean * mean[e];
    }
  }
  return logits;
}

// Offsets o (of the logits, or of the selection bias) with loads n(o) = target. The loss-free rule
// of DeepSeek-V3 moves each bias by a constant towards its target, c_i += gamma sign(target_i -
// n_i); its fixed point is reached here in few rounds by steps in proportion to the gap in log
// odds:
//   o_i += eta (logit(target_i k/E) - logit(n_i / T))
// Source: arXiv:2408.15664 for the rule and its fixed point.
std::vector<float> GateBuilder::fit_offsets(const Layout& layout, std::vector<float> logits) const {
  constexpr int kCoarseRounds = 10;  // On a quarter of the sample.
  constexpr int kFineRounds = 3;
  const auto outputs = static_cast<std::size_t>(outputs_);
  const auto top_k = static_cast<std::size_t>(moe_.top_k);
  std::vector<float> offsets(outputs, 0.0F);
  if (top_k >= outputs) return offsets;
  const bool correct = moe_.router.correction_bias;
  if (correct) score_logits(moe_, logits, logits);
  const double slope = correct ? score_slope(moe_, outputs_) : 1.0;
  const double mean_share = static_cast<double>(top_k) / static_cast<double>(outputs);
  std::vector<std::uint16_t> ids(sample_labels_.size() * top_k);
  std::vector<double> rate(outputs, 0.6);
  std::vector<double> last_gap(outputs, 0.0);
  for (int round = 0; round < kCoarseRounds + kFineRounds; ++round) {
    const bool fine = round >= kCoarseRounds;
    const std::size_t tokens = sample_labels_.size() / (fine ? 1 : 4);
    const std::span<std::uint16_t> chosen = std::span(ids).first(tokens * top_k);
    route_ranked(moe_, logits, offsets, chosen);
    std::vector<double> counts(outputs, 0.0);
    for (const std::uint16_t id : chosen) counts[id] += 1;
    const double least = 0.5 / static_cast<double>(tokens);
    for (std::size_t e = 0; e < outputs; ++e) {
      const double wanted = std::clamp(layout.target[e] * mean_share, least, 1 - least);
      const double found = std::clamp(counts[e] / static_cast<double>(tokens), least, 1 - least);
      // Rows of larger norm need larger steps for the same change of load; an expert that overshot
      // takes half the step from then on.
      const double gap = std::clamp(log_odds(wanted) - log_odds(found), -2.0, 2.0);
      if (gap * last_gap[e] < 0) rate[e] *= 0.5;
      last_gap[e] = gap;
      offsets[e] += static_cast<float>(slope * layout.norm[e] * rate[e] * gap);
    }
  }
  return offsets;
}

// Puts the offsets where the model has room for them: its correction bias, its gate bias, or the
// gate's response to the mean direction, w_i += (o_i / e - w_i . m) m / H.
void GateBuilder::add_offsets(const std::vector<float>& offsets, double depth, Gate& gate) const {
  if (moe_.router.correction_bias) gate.correction = offsets;
  if (moe_.router.gate_bias) gate.bias.assign(offsets.size(), 0.0F);
  if (moe_.router.gate_bias && !moe_.router.correction_bias) gate.bias = offsets;
  if (!fits_mean_direction()) return;
  const auto width = static_cast<std::size_t>(gate.hidden_size);
  const float* mean = parts_.data() + parts_.size() - static_cast<std::size_t>(generator_.stride());
  const float amplitude = state_mix(calibration_, depth).mean;
  for (std::size_t e = 0; e < offsets.size(); ++e) {
    float* row = gate.weight.data() + e * width;
    const float along = std::inner_product(row, row + width, mean, 0.0F);
    const float shift = (offsets[e] / amplitude - along) / static_cast<float>(width);
    for (std::size_t i = 0; i < width; ++i) row[i] += shift * mean[i];
  }
}

Gate GateBuilder::gate(std::int64_t layer, double depth) const {
  Gate made;
  made.hidden_size = generator_.hidden_size();
  made.weight.resize(static_cast<std::size_t>(outputs_ * made.hidden_size));
  const Layout random = layout(layer, depth);
  fill_rows(layer, random, made);
  add_offsets(fit_offsets(random, sample_logits(made, random, depth)), depth, made);
  return made;
}

}  // namespace moesim
