#include "models/router/training/dense_loops.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace moesim {

void add_product(MatrixView x, MatrixView m, float* product) {
  const std::int64_t outputs = m.columns;
  for (std::int64_t t = 0; t < x.rows; ++t) {
    float* __restrict__ out = product + t * outputs;
    for (std::int64_t i = 0; i < x.columns; i += 4) {
      const float* in = x.data + t * x.stride + i;
      const float* m0 = m.data + i * m.stride;
      const float* m1 = m0 + m.stride;
      const float* m2 = m1 + m.stride;
      const float* m3 = m2 + m.stride;
      const float x0 = in[0], x1 = in[1], x2 = in[2], x3 = in[3];
      for (std::int64_t j = 0; j < outputs; ++j) {
        out[j] += x0 * m0[j] + x1 * m1[j] + x2 * m2[j] + x3 * m3[j];
      }
    }
  }
}

void add_outer_products(MatrixView x, MatrixView y, float* product) {
  const std::int64_t outputs = y.columns;
  const std::int64_t whole = x.rows / 4 * 4;
  for (std::int64_t t = 0; t < whole; t += 4) {
    const float* y0 = y.data + t * y.stride;
    const float* y1 = y0 + y.stride;
    const float* y2 = y1 + y.stride;
    const float* y3 = y2 + y.stride;
    for (std::int64_t i = 0; i < x.columns; ++i) {
      float* __restrict__ out = product + i * outputs;
      const float* in = x.data + t * x.stride + i;
      const float x0 = in[0], x1 = in[x.stride], x2 = in[2 * x.stride], x3 = in[3 * x.stride];
      for (std::int64_t j = 0; j < outputs; ++j) {
        out[j] += x0 * y0[j] + x1 * y1[j] + x2 * y2[j] + x3 * y3[j];
      }
    }
  }
  for (std::int64_t t = whole; t < x.rows; ++t) {
    for (std::int64_t i = 0; i < x.columns; ++i) {
      float* __restrict__ out = product + i * outputs;
      const float* from = y.data + t * y.stride;
      const float factor = x.data[t * x.stride + i];
      for (std::int64_t j = 0; j < outputs; ++j) out[j] += factor * from[j];
    }
  }
}

float dot(const float* a, const float* b, std::int64_t size) {
  std::array<float, 4> lanes{};
  for (std::int64_t i = 0; i < size; i += 4) {
    for (std::int64_t lane = 0; lane < 4; ++lane) {
      lanes[static_cast<std::size_t>(lane)] += a[i + lane] * b[i + lane];
    }
  }
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

void clipped_step(float* values, const float* gradient, std::int64_t size, double rate) {
  std::array<double, 4> lanes{};
  for (std::int64_t i = 0; i < size; ++i) {
    lanes[static_cast<std::size_t>(i % 4)] += double{gradient[i]} * double{gradient[i]};
  }
  const double norm = std::sqrt((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
  const auto step = static_cast<float>(rate * std::min(1.0, kLargestNorm / std::max(norm, 1e-30)));
  for (std::int64_t i = 0; i < size; ++i) values[i] -= step * gradient[i];
}

}  // namespace moesim
