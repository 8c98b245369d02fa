#include "models/router/tokens/token_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace moesim {

namespace {

// Eight signs as floats for every byte of sign bits.
struct SignTable {
  alignas(32) std::array<std::array<float, 8>, 256> signs{};
};

constexpr SignTable make_sign_table() {
  SignTable table;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t i = 0; i < 8; ++i) table.signs[byte][i] = (byte >> i & 1U) ? -1.0F : 1.0F;
  }
  return table;
}

constexpr SignTable kSignTable = make_sign_table();

void expand_signs(const std::uint64_t* bits, std::int64_t words, float* row) {
  for (std::int64_t byte = 0; byte < words * 8; ++byte) {
    const auto& signs = kSignTable.signs[bits[byte / 8] >> (byte % 8 * 8) & 0xFFU];
    std::copy(signs.begin(), signs.end(), row + byte * 8);
  }
}

// The parts of one token's row.
struct RowParts {
  const float* base;           // a u + e m
  const std::uint64_t* type;   // bits of v
  float type_amplitude;        // d
  float keep;                  // r
  float persistent_amplitude;  // s sqrt(1 - r^2) sqrt(kappa)
  float fresh_amplitude;       // s sqrt(1 - r^2) sqrt(1 - kappa)
};

// noise = keep noise + innovations; row = base + d v + noise, scaled to |row|^2 = its length.
void make_row(const RowParts& parts, std::int64_t words, RandomStream& persistent,
              RandomStream& fresh, float* noise, float* row) {
  std::array<float, 8> squares{};
  for (std::int64_t word = 0; word < words; ++word) {
    const std::uint64_t type = parts.type[word];
    const std::uint64_t first = persistent();
    const std::uint64_t second = fresh();
    for (std::int64_t byte = 0; byte < 8; ++byte) {
      const float* v = kSignTable.signs[type >> (byte * 8) & 0xFFU].data();
      const float* x = kSignTable.signs[first >> (byte * 8) & 0xFFU].data();
      const float* y = kSignTable.signs[second >> (byte * 8) & 0xFFU].data();
      const std::int64_t at = word * 64 + byte * 8;
      for (std::int64_t i = 0; i < 8; ++i) {
        const float n = parts.keep * noise[at + i] + parts.persistent_amplitude * x[i] +
                        parts.fresh_amplitude * y[i];
        const float h = parts.base[at + i] + parts.type_amplitude * v[i] + n;
        noise[at + i] = n;
        row[at + i] = h;
        squares[static_cast<std::size_t>(i)] += h * h;
      }
    }
  }
  float sum = 0;
  for (const float square : squares) sum += square;
  const float scale = std::sqrt(static_cast<float>(words * 64) / sum);
  for (std::int64_t i = 0; i < words * 64; ++i) row[i] *= scale;
}

}  // namespace

SignVectors::SignVectors(std::int64_t count, std::int64_t words, RandomStream random)
    : words_(words), bits_(static_cast<std::size_t>(count * words)) {
  for (std::uint64_t& bits : bits_) bits = random();
}

StateMix state_mix(const RoutingCalibration& calibration, double depth) {
  const double topic = calibration.topic_share.at(depth);
  const double token = calibration.token_share.at(depth);
  StateMix mix;
  mix.topic = static_cast<float>(std::sqrt(topic));
  mix.token = static_cast<float>(std::sqrt(token));
  mix.mean = static_cast<float>(std::sqrt(calibration.mean_share));
  mix.noise = static_cast<float>(std::sqrt(1 - topic - token - calibration.mean_share));
  mix.correlation = static_cast<float>(calibration.noise_correlation.at(depth));
  mix.carried = static_cast<float>(calibration.carried.at(depth));
  return mix;
}

std::vector<double> zipf_cumulative(std::int64_t count, double exponent, double shift) {
  std::vector<double> cumulative(static_cast<std::size_t>(count));
  double sum = 0;
  for (std::size_t i = 0; i < cumulative.size(); ++i) {
    sum += std::pow(static_cast<double>(i) + 1 + shift, -exponent);
    cumulative[i] = sum;
  }
  for (double& value : cumulative) value /= sum;
  return cumulative;
}

std::int64_t draw_cumulative(std::span<const double> cumulative, RandomStream& random) {
  const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), random.uniform());
  return std::min<std::int64_t>(found - cumulative.begin(),
                                static_cast<std::int64_t>(cumulative.size()) - 1);
}

std::int64_t state_dimensions(const RoutingCalibration& calibration, std::int64_t hidden_size) {
  return (std::min(hidden_size, calibration.state_dimensions) + 63) / 64 * 64;
}

TokenGenerator::TokenGenerator(const RoutingCalibration& calibration, std::int64_t hidden_size,
                               TextSize size, std::uint64_t seed, std::string text)
    : calibration_(calibration),
      hidden_size_(hidden_size),
      words_(state_dimensions(calibration, hidden_size) / 64),
      size_(size),
      seed_(seed),
      text_(std::move(text)),
      topics_(calibration.num_topics, words_, RandomStream(seed, "topic vectors")),
      types_(calibration.vocabulary, words_, RandomStream(seed, "type vectors")),
      mean_(1, words_, RandomStream(seed, "mean vector")) {
  draw_labels(RandomStream(seed, "token labels/" + text_));
}

// A request has one topic of its own; a change of topic goes to another or back to it.
void TokenGenerator::draw_labels(RandomStream random) {
  constexpr double kReturn =
      0.5;  // Probability that a change goes back to the request's own topic.
  const std::vector<double> topics =
      zipf_cumulative(calibration_.num_topics, calibration_.topic_exponent, 0);
  const std::vector<double> types = zipf_cumulative(calibration_.vocabulary, 1, kMandelbrotShift);
  labels_.reserve(static_cast<std::size_t>(size_.sequences * size_.sequence_tokens));
  for (std::int64_t s = 0; s < size_.sequences; ++s) {
    const std::int64_t own = draw_cumulative(topics, random);
    std::int64_t topic = own;
    for (std::int64_t t = 0; t < size_.sequence_tokens; ++t) {
      if (random.uniform() >= calibration_.topic_stay) {
        topic = random.uniform() < kReturn ? own : draw_cumulative(topics, random);
      }
      const auto type = static_cast<std::uint16_t>(draw_cumulative(types, random));
      const float carried = t == 0 ? 1.0F : static_cast<float>(random.uniform());
      labels_.push_back({static_cast<std::uint16_t>(topic), type, carried});
    }
  }
}

std::vector<float> TokenGenerator::mean_vector() const {
  std::vector<float> row(static_cast<std::size_t>(dimensions()));
  expand_signs(mean_.row(0), words_, row.data());
  return row;
}

std::vector<float> TokenGenerator::project(MatrixView weight) const {
  const auto width = static_cast<std::size_t>(dimensions());
  std::vector<float> projected(static_cast<std::size_t>(weight.rows) * width, 0.0F);
  if (weight.columns <= dimensions()) {
    for (std::int64_t row = 0; row < weight.rows; ++row) {
      std::copy_n(weight.data + row * weight.stride, weight.columns,
                  projected.data() + static_cast<std::size_t>(row) * width);
    }
    return projected;
  }
  const std::int64_t words = (weight.columns + 63) / 64;
  const SignVectors bits(dimensions(), words, RandomStream(seed_, "subspace"));
  std::vector<float> basis(width * static_cast<std::size_t>(words * 64));
  for (std::int64_t i = 0; i < dimensions(); ++i) {
    expand_signs(bits.row(i), words, basis.data() + i * words * 64);
  }
  multiply_by_transpose(weight, {basis.data(), dimensions(), weight.columns, words * 64},
                        projected.data());
  const float scale = 1 / std::sqrt(static_cast<float>(width));
  for (float& value : projected) value *= scale;
  return projected;
}

void TokenGenerator::hidden_states(std::int64_t layer, double depth, std::int64_t first,
                                   std::int64_t count, float* states) const {
  const StateMix mix = state_mix(calibration_, depth);
  for (std::int64_t s = 0; s < count; ++s) {
    sequence_states(layer, mix, first + s, states + s * size_.sequence_tokens * dimensions());
  }
}

void TokenGenerator::sequence_states(std::int64_t layer, const StateMix& mix, std::int64_t sequence,
                                     float* states) const {
  const auto width = static_cast<std::size_t>(dimensions());
  RandomStream persistent(seed_, fmt::format("noise/{}/{}", text_, sequence));
  RandomStream fresh(seed_, fmt::format("noise/{}/{}/{}", text_, sequence, layer));
  std::vector<float> noise(width, 0.0F);
  std::vector<float> base(width);
  const std::vector<float> mean = mean_vector();
  const auto kappa = static_cast<float>(calibration_.persistent_noise);
  std::int64_t topic = -1;
  const TokenLabel* label = labels_.data() + sequence * size_.sequence_tokens;
  for (std::int64_t t = 0; t < size_.sequence_tokens; ++t, ++label, states += width) {
    if (label->topic != topic) {
      topic = label->topic;
      expand_signs(topics_.row(topic), words_, base.data());
      for (std::size_t i = 0; i < width; ++i) base[i] = mix.topic * base[i] + mix.mean * mean[i];
    }
    const float keep = t == 0 ? 0.0F : mix.correlation;
    const float amplitude = mix.noise * std::sqrt(1 - keep * keep);
    const RowParts parts{
        base.data(), types_.row(label->type),      mix.token,
        keep,        amplitude * std::sqrt(kappa), amplitude * std::sqrt(1 - kappa)};
    if (label->carried < mix.carried) {
      std::copy_n(states - width, width, states);
      for (std::int64_t i = 0; i < words_; ++i) persistent();  // In step with the other layers.
    } else {
      make_row(parts, words_, persistent, fresh, noise.data(), states);
    }
  }
}

}  // namespace moesim
