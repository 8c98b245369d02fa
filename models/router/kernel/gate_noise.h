// Noise on a gate's input and logits while training, so that it tries other experts.
#pragma once

#include <cstdint>
#include <span>

#include "models/router/kernel/blas.h"

namespace moesim {

// copy = hidden times U(1 - jitter, 1 + jitter), entry by entry. `first_token` is the first row's
// place in the batch. Shapes: hidden [tokens, width]; copy the same without gaps.
// Source: Switch Transformer, arXiv:2101.03961.
void jitter_states(MatrixView hidden, double jitter, std::uint64_t seed, std::int64_t first_token,
                   std::span<float> copy);

// logits += N(0, 1) ln(1 + e^scale). Shapes: logits and scales [tokens, outputs].
// Source: Shazeer et al., arXiv:1701.06538, equation 4.
void add_logit_noise(std::span<const float> scales, std::int64_t outputs, std::uint64_t seed,
                     std::int64_t first_token, std::span<float> logits);

}  // namespace moesim
