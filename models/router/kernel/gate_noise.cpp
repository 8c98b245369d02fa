#include "models/router/kernel/gate_noise.h"

#include <boost/random/normal_distribution.hpp>
#include <cmath>

#include "models/router/kernel/token_stream.h"

namespace moesim {

void jitter_states(MatrixView hidden, double jitter, std::uint64_t seed, std::int64_t first_token,
                   std::span<float> copy) {
  float* out = copy.data();
  for (std::int64_t t = 0; t < hidden.rows; ++t) {
    RandomStream random = token_stream(seed, "jitter", first_token + t);
    const float* row = hidden.data + t * hidden.stride;
    for (std::int64_t i = 0; i < hidden.columns; ++i) {
      *out++ = row[i] * static_cast<float>(1 + jitter * (2 * random.uniform() - 1));
    }
  }
}

void add_logit_noise(std::span<const float> scales, std::int64_t outputs, std::uint64_t seed,
                     std::int64_t first_token, std::span<float> logits) {
  const std::int64_t tokens = static_cast<std::int64_t>(logits.size()) / outputs;
  std::size_t i = 0;
  for (std::int64_t t = 0; t < tokens; ++t) {
    RandomStream random = token_stream(seed, "logit noise", first_token + t);
    boost::random::normal_distribution<double> normal;
    for (std::int64_t e = 0; e < outputs; ++e, ++i) {
      const double z = scales[i];
      const double softplus = std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
      logits[i] += static_cast<float>(normal(random) * softplus);
    }
  }
}

}  // namespace moesim
