// The rows that the generated gates of a model are made of, for any number of experts:
//   g_r = sqrt(1 - q) x_r + sqrt(q) d_floor(r / c),   entries of x and d ~ N(0, 1/D),
// where c rows have a direction d in common, the same in every layer, with a share q of their
// length. A gate of E outputs takes rows 0 to E - 1 in an order of its own: hidden states are
// multiplied by the rows once for gates of every size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/router/kernel/blas.h"
#include "models/router/tokens/calibration.h"

namespace moesim {

// The rows of one layer, after the direction m that all tokens have in common.
struct LayerRows {
  std::int64_t dimensions = 0;
  std::vector<float> weight;  // [1 + rows, dimensions]
};

// Products of some hidden states with the rows.
struct RowResponses {
  std::int64_t tokens = 0;
  std::int64_t stride = 0;      // 1 + rows.
  std::vector<float> products;  // [tokens, stride]: h . m, then h . g_r.

  float along_mean(std::int64_t token) const {
    return products[static_cast<std::size_t>(token * stride)];
  }
  const float* rows(std::int64_t token) const { return products.data() + token * stride + 1; }
};

class GateRows {
 public:
  // Rows for gates of up to `most_outputs`. `mean` [dimensions] is m as +-1; `orthogonal` takes it
  // out of every row, g_r -= (g_r . m) m / D, so that the direction that all tokens share has no
  // effect.
  GateRows(const std::string& model_name, const RoutingCalibration& calibration,
           std::vector<float> mean, bool orthogonal, std::int64_t most_outputs, std::uint64_t seed);

  LayerRows layer(std::int64_t layer) const;

 private:
  std::string model_name_;
  std::int64_t direction_rows_;
  float own_, shared_;  // Amplitudes of x and d.
  std::vector<float> mean_;
  bool orthogonal_;
  std::int64_t rows_;
  std::uint64_t seed_;
  std::vector<float> directions_;  // [ceil(rows / direction_rows), dimensions]
};

// The same bits for the first rows, for any number of rows and of other states.
// Shapes: states [tokens, rows.dimensions].
RowResponses respond(const LayerRows& rows, MatrixView states);

}  // namespace moesim
