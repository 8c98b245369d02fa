// The few shapes of kernel that layers are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "hardware/kernels/kernel.h"
#include "models/spec/rank_shapes.h"

namespace moesim {

inline constexpr double kActivationBytes = 2;  // bf16 between kernels.

// C[m,n] = A[m,k] B[k,n] for one stored matrix. It multiplies in the format of its activations:
// weights of 4 bits may be widened on load.
//   flops = 2 m n k;  bytes = k n b_weights + m (k b_activation + 2 n)
Kernel gemm(const Matrix& matrix, std::int64_t m, const WeightFormat& format);

// Traffic without arithmetic worth counting.
Kernel elementwise(const char* name, double bytes, int launches = 1);

// The quantisation of activations of so many projections, `width` columns in all. Launches: 1.5 for
// each projection. Source: docs/physics.md, "Launches".
Kernel quantise(std::int64_t tokens, std::int64_t width, int projections = 2);

// The same for the projections that need it: nothing if neither does.
void add_quantise(std::vector<Kernel>& out, std::int64_t tokens, const Matrix& first,
                  const Matrix& last, const MatrixFormats& formats);

// Gated or plain activation between the two matrices of a feed-forward block of `rank_width`
// columns.
Kernel activation(std::int64_t rows, std::int64_t rank_width, int matrices);

}  // namespace moesim
