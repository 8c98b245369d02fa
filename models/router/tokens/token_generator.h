// Hidden states without the model: a direction per request (topic), one per kind of token (type),
// one common to all tokens, and noise correlated with that of the previous token. Never independent
// Gaussian vectors: those lose skew, locality and co-activation of real routing.
//   h_t = RMSNorm(a u_topic(t) + d v_type(t) + e m + s n_t),   a^2 + d^2 + e^2 + s^2 = 1
//   n_t = r n_(t-1) + sqrt(1 - r^2) (sqrt(kappa) xi_t + sqrt(1 - kappa) xi_t,layer)
// and h_t = h_(t-1) for tokens that the layer carries on as one span with their predecessor.
//
// Width. The states of a model of width H lie in a subspace of D effective dimensions, h = B c with
// B [H, D] of orthonormal columns and |h| = |c|. A gate sees z = W h = (W B) c, and as generated
// gate rows are isotropic, W_ij ~ N(0, 1/H) independently, so are the entries of sqrt(H / D) W B,
// which are N(0, 1/D): states and gate rows are drawn in D dimensions at once, scaled to
// |c|^2 = D, and the logits have the law that they would have in H. A real gate is multiplied by a
// random B instead (project). D changes only the overlap of unrelated vectors, 1 / sqrt(D).
// The same argument makes the orthogonal map of each layer unnecessary.
//
// u, v, m and the innovations xi are vectors of random signs, 64 to a draw: their product with
// a gate row is Gaussian by the central limit theorem. Source: docs/physics.md, "Tokens".
#pragma once

#include <cstdint>
#include <span>
#include <string>
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
  float carried = 0;      // Probability of the predecessor's state.
};
StateMix state_mix(const RoutingCalibration& calibration, double depth);

// Which text the tokens come from: topic and token type of every token of every sequence, and a
// number in [0, 1) that decides in which layers it is carried on from its predecessor.
struct TokenLabel {
  std::uint16_t topic = 0;
  std::uint16_t type = 0;
  float carried = 0;

  bool operator==(const TokenLabel&) const = default;
};

// The sequences to make.
struct TextSize {
  std::int64_t sequences = 1;
  std::int64_t sequence_tokens = 1;
};

// Effective dimensions D of the states: the model's width or the calibration's, whichever is less,
// rounded up to whole words of signs.
std::int64_t state_dimensions(const RoutingCalibration& calibration, std::int64_t hidden_size);

class TokenGenerator {
 public:
  // `text` names the random streams: other texts of the same seed have the same topic, type and
  // mean vectors but other tokens. Requires: hidden_size > 0.
  TokenGenerator(const RoutingCalibration& calibration, std::int64_t hidden_size, TextSize size,
                 std::uint64_t seed, std::string text = "text");

  // state_dimensions() of this text.
  std::int64_t dimensions() const { return words_ * 64; }
  TextSize size() const { return size_; }
  const RoutingCalibration& calibration() const { return calibration_; }
  const std::vector<TokenLabel>& labels() const { return labels_; }

  // Hidden states of all tokens of sequences [first, first + count) in a layer at a relative depth.
  // Shapes: states [count * sequence_tokens, dimensions()].
  void hidden_states(std::int64_t layer, double depth, std::int64_t first, std::int64_t count,
                     float* states) const;

  // The direction that all tokens have in common, as +-1. Shapes: [dimensions()].
  std::vector<float> mean_vector() const;

  // Rows of the model's width projected to the D dimensions of states: W B, B a random sign matrix
  // over sqrt(D), whose columns are orthogonal up to 1 / sqrt(H); the first D columns where H <= D.
  // Shapes: weight [rows, hidden_size], result [rows, dimensions()].
  std::vector<float> project(MatrixView weight) const;

 private:
  void sequence_states(std::int64_t layer, const StateMix& mix, std::int64_t sequence,
                       float* states) const;
  void draw_labels(RandomStream random);

  RoutingCalibration calibration_;
  std::int64_t hidden_size_;
  std::int64_t words_;
  TextSize size_;
  std::uint64_t seed_;
  std::string text_;
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
