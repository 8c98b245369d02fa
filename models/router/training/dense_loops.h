// Two small matrix products as plain loops whose order of additions is fixed: a training amplifies
// the last bit of a product until other experts die, so that a library whose rounding depends on
// the processor would make the result do so too.
#pragma once

#include <cstdint>

#include "models/router/kernel/blas.h"

namespace moesim {

// product[t, j] += sum_i x[t, i] m[i, j], i in ascending blocks of 4.
// Shapes: x [rows, inputs], m [inputs, outputs], product [rows, outputs] without gaps.
// Requires: 4 divides inputs.
void add_product(MatrixView x, MatrixView m, float* product);

// product[i, j] += sum_t x[t, i] y[t, j], t in ascending blocks of 4.
// Shapes: x [rows, inputs], y [rows, outputs], product [inputs, outputs] without gaps.
void add_outer_products(MatrixView x, MatrixView y, float* product);

// sum_i a[i] b[i] over `size` elements in 4 interleaved partial sums. Requires: 4 divides size.
float dot(const float* a, const float* b, std::int64_t size);

// Steps against a gradient whose norm is clipped, so that a diverging training grows by at most
// rate * kLargestNorm a step and stays finite: values -= rate gradient min(1, kLargestNorm / norm).
inline constexpr double kLargestNorm = 10;
void clipped_step(float* values, const float* gradient, std::int64_t size, double rate);

}  // namespace moesim
