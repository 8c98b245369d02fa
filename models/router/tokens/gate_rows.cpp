#include "models/router/tokens/gate_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace moesim {

namespace {

// Rows are multiplied in panels that end at 16, 64, 128, 192, ..., always whole: BLAS may round a
// product differently in a panel of another width.
constexpr std::int64_t kFirstPanel = 16;
constexpr std::int64_t kPanel = 64;

std::int64_t end_of_panel(std::int64_t begin) {
  return begin < kFirstPanel ? kFirstPanel : (begin / kPanel + 1) * kPanel;
}

std::int64_t whole_panels(std::int64_t rows) {
  return rows <= kFirstPanel ? kFirstPanel : (rows + kPanel - 1) / kPanel * kPanel;
}

// Nearly Gaussian (sum of four uniforms, variance 1): entries of a gate row are only ever summed.
float rough_gaussian(RandomStream& random) {
  const std::uint64_t bits = random();
  const auto sum = static_cast<std::int64_t>((bits & 0xFFFFU) + (bits >> 16 & 0xFFFFU) +
                                             (bits >> 32 & 0xFFFFU) + (bits >> 48));
  constexpr float kScale = 1.7320508F / 65536.0F;
  return static_cast<float>(sum - 2 * 65535) * kScale;
}

void remove_mean(const std::vector<float>& mean, float* row) {
  const float along = std::inner_product(mean.begin(), mean.end(), row, 0.0F);
  const float shift = along / static_cast<float>(mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) row[i] -= shift * mean[i];
}

}  // namespace

GateRows::GateRows(const std::string& model_name, const RoutingCalibration& calibration,
                   std::vector<float> mean, bool orthogonal, std::int64_t most_outputs,
                   std::uint64_t seed)
    : model_name_(model_name),
      direction_rows_(calibration.direction_experts),
      mean_(std::move(mean)),
      orthogonal_(orthogonal),
      rows_(whole_panels(most_outputs)),
      seed_(seed) {
  const double unit = 1 / std::sqrt(static_cast<double>(mean_.size()));
  own_ = static_cast<float>(unit * std::sqrt(1 - calibration.shared_direction));
  shared_ = static_cast<float>(unit * std::sqrt(calibration.shared_direction));
  const std::int64_t directions = (rows_ + direction_rows_ - 1) / direction_rows_;
  RandomStream random(seed, fmt::format("gate directions/{}", model_name));
  directions_.resize(static_cast<std::size_t>(directions) * mean_.size());
  for (float& entry : directions_) entry = rough_gaussian(random);
}

LayerRows GateRows::layer(std::int64_t layer) const {
  RandomStream random(seed_, fmt::format("gate rows/{}/{}", model_name_, layer));
  const std::size_t width = mean_.size();
  LayerRows made{static_cast<std::int64_t>(width), mean_};
  made.weight.resize(static_cast<std::size_t>(1 + rows_) * width);
  for (std::int64_t r = 0; r < rows_; ++r) {
    float* row = made.weight.data() + static_cast<std::size_t>(1 + r) * width;
    const float* direction =
        directions_.data() + static_cast<std::size_t>(r / direction_rows_) * width;
    for (std::size_t i = 0; i < width; ++i) {
      row[i] = own_ * rough_gaussian(random) + shared_ * direction[i];
    }
    if (orthogonal_) remove_mean(mean_, row);
  }
  return made;
}

RowResponses respond(const LayerRows& rows, MatrixView states) {
  const auto number = static_cast<std::int64_t>(rows.weight.size()) / rows.dimensions - 1;
  RowResponses made{states.rows, 1 + number, {}};
  made.products.resize(static_cast<std::size_t>(made.tokens * made.stride));
  // The mean goes with the first panel.
  for (std::int64_t begin = -1; begin < number;) {
    const std::int64_t end = end_of_panel(begin);
    const MatrixView panel{rows.weight.data() + (1 + begin) * rows.dimensions, end - begin,
                           rows.dimensions, rows.dimensions};
    multiply_by_transpose(states, panel, {made.products.data() + 1 + begin, made.stride});
    begin = end;
  }
  return made;
}

}  // namespace moesim
