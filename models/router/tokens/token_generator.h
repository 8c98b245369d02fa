// Hidden states without the model: what a request's tokens share (topic), what a token is (type), a
// direction common to all tokens, and noise that remembers the previous token. Never independent
// Gaussian vectors: those lose skew, locality and co-activation of real routing.
//   h_t = RMSNorm(a u_topic(t) + d v_type(t) + e m + s n_t),   a^2 + d^2 + e^2 + s^2 = 1
//   n_t = r n_(t-1) + sqrt(1 - r^2) (sqrt(kappa) xi_t + sqrt(1 - kappa) xi_t,layer)
// u, v, m and the innovations xi are vectors of random signs, 64 to a draw: what a gate row makes
// of them is Gaussian by the central limit theorem. Each layer's state is seen after an orthogonal
// map of its own; as the gate rows are isotropic, mapping them instead changes nothing, so it is
// left out. Source: ../shared/research/router.md, 6.2.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "models/router/kernel/blas.h"
#include "models/router/tokens/calibration.h"

namespace moesim {

// Random sign vectors, a bit per element (1 = minus).
class SignVectors {
 public:
  SignVectors(std::int64_t count, std::int64_t words, RandomStream random);
  const std::uint64_t* row(std::int64_t index) const { return bits_.data() + index * words_; }

 private:
  std::int64_t words_;
  std::vector<std::uint64_t> bits_;
};

// Amplitudes of the parts of a hidden state in one layer.
struct StateMix {
  float topic = 0;
  float token = 0;
  float mean = 0;
  float noise = 0;
  float correlation = 0;  // Of consecutive tokens' noise.
};
StateMix state_mix(const RoutingCalibration& calibration, double depth);

// Which text the tokens come from: topic and token type of every token of every sequence.
struct TokenLabel {
  std::uint16_t topic = 0;
  std::uint16_t type = 0;
};

class TokenGenerator {
 public:
  // Requires: hidden_size > 0.
  TokenGenerator(const RoutingCalibration& calibration, std::int64_t hidden_size,
                 std::int64_t sequences, std::int64_t sequence_tokens, std::uint64_t seed);

  std::int64_t hidden_size() const { return hidden_size_; }
  // Floats between rows of hidden states: hidden_size rounded up to whole words of signs.
  std::int64_t stride() const { return words_ * 64; }
  const std::vector<TokenLabel>& labels() const { return labels_; }

  // Hidden states of all tokens of sequences [first, first + count) in a layer at a relative depth.
  // Shapes: states [count * sequence_tokens, stride()].
  void hidden_states(std::int64_t layer, double depth, std::int64_t first, std::int64_t count,
                     float* states) const;

  // One unscaled part as a row of +-1: the fixed vector of a topic, of a token type, of the mean.
  // Shapes: row [stride()].
  void topic_vector(std::int64_t topic, float* row) const;
  void type_vector(std::int64_t type, float* row) const;
  void mean_vector(float* row) const;

 private:
  void sequence_states(std::int64_t layer, const StateMix& mix, std::int64_t sequence,
                       float* states) const;
  void draw_labels(RandomStream random);

  RoutingCalibration calibration_;
  std::int64_t hidden_size_;
  std::int64_t words_;
  std::int64_t sequences_;
  std::int64_t sequence_tokens_;
  std::uint64_t seed_;
  SignVectors topics_;
  SignVectors types_;
  SignVectors mean_;
  std::vector<TokenLabel> labels_;  // [sequence][token]
};

// Cumulative probabilities of p_i ~ (i + 1 + shift)^-exponent, for sampling by binary search.
std::vector<double> zipf_cumulative(std::int64_t count, double exponent, double shift);
std::int64_t draw_cumulative(std::span<const double> cumulative, RandomStream& random);

// Shift of the Zipf-Mandelbrot law of word frequencies. Source: B. Mandelbrot, 1953, for English
// text.
inline constexpr double kMandelbrotShift = 2.7;

}  // namespace moesim
