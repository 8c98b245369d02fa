// The few shapes of kernel that layers are made of.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "hardware/kernels/kernel.h"
#include "models/spec/rank_shapes.h"

namespace moesim {

inline constexpr double kActivationBytes = 2;  // bf16 between kernels.

// Format in which a matrix stored as `weights` is multiplied. int4 weights are widened on load
// (16-bit activations); fp4 stays: the device model decides whether it can be multiplied.
Dtype multiply_dtype(Dtype weights);

// Activations are converted before the multiplication (fp8, int8, fp4).
bool quantises_activations(Dtype weights);

// C[m,n] = A[m,k] B[k,n] for one stored matrix.
//   flops = 2 m n k;  bytes = k n b_weights + m (k b_activation + 2 n)
Kernel gemm(const Matrix& matrix, std::int64_t m, Dtype weights);

// Traffic without arithmetic worth counting.
Kernel elementwise(const char* name, double bytes, int launches = 1);

// The quantisation of activations that a pair of projections needs, per layer of `width` columns.
// Launches: 1.5 for each of two projections. Source: docs/physics.md, "Launches".
Kernel quantise(std::int64_t tokens, std::int64_t width);

// Gated or plain activation between the two matrices of a feed-forward block of `rank_width`
// columns.
Kernel activation(std::int64_t rows, std::int64_t rank_width, int matrices);

}  // namespace moesim
