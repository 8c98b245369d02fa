// The one matrix product of the router, from OpenBLAS on one thread, so that results do not depend
// on how many threads call it.
#pragma once

#include <cstdint>

namespace moesim {

// A row-major matrix in somebody else's memory; rows are `stride` floats apart.
struct MatrixView {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;
};

// Where a product goes; rows are `stride` floats apart.
struct ProductRows {
  float* data = nullptr;
  std::int64_t stride = 0;
};

// product[i, j] = sum_k a[i, k] b[j, k].
// Shapes: a [m, k], b [n, k], product [m, n]. Requires: a.columns = b.columns.
void multiply_by_transpose(MatrixView a, MatrixView b, ProductRows product);

// The same without gaps between the rows of the product.
void multiply_by_transpose(MatrixView a, MatrixView b, float* product);

}  // namespace moesim
