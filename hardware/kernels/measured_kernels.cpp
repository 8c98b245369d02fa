#include "hardware/kernels/measured_kernels.h"

#include <algorithm>
#include <cmath>

namespace moesim {

namespace {

constexpr double kWidestGap = 4;

using Fixed = std::array<std::int64_t, 8>;

constexpr std::int64_t number(KernelKind kind) {
  return static_cast<std::int64_t>(kind);
}
constexpr std::int64_t number(Dtype dtype) {
  return static_cast<std::int64_t>(dtype);
}

std::size_t num_extents(std::int64_t kind) {
  switch (static_cast<KernelKind>(kind)) {
    case KernelKind::kPrefillAttention:
      return 3;
    case KernelKind::kDecodeAttention:
    case KernelKind::kGroupedGemm:
      return 2;
    case KernelKind::kGemm:
    case KernelKind::kElementwise:
      return 1;
  }
  return 1;
}

// The tokens cached before a prompt chunk: the one extent that may be 0.
bool is_linear(std::int64_t kind, std::size_t axis) {
  return kind == number(KernelKind::kPrefillAttention) && axis == 2;
}

// Runs of the shape that `kernel` stands for one after another.
double repeats(const Kernel& kernel) {
  if (kernel.kind == KernelKind::kElementwise) return kernel.launches;
  if (kernel.kind != KernelKind::kGemm) return 1;
  const double batch = static_cast<double>(std::max<std::int64_t>(kernel.groups, 1));
  return kernel.flops.value() / (2 * batch * static_cast<double>(kernel.m) *
                                 static_cast<double>(kernel.n) * static_cast<double>(kernel.k));
}

}  // namespace

std::optional<MeasuredShape> measured_shape(const Kernel& kernel) {
  MeasuredShape shape;
  const std::int64_t kind = number(kernel.kind), dtype = number(kernel.dtype);
  const double m = static_cast<double>(kernel.m), groups = static_cast<double>(kernel.groups);
  const AttentionShape& a = kernel.attention;
  switch (kernel.kind) {
    case KernelKind::kGemm: {
      if (kernel.m <= 0 || kernel.n <= 0 || kernel.k <= 0) return std::nullopt;
      const std::int64_t batch = std::max<std::int64_t>(kernel.groups, 1);
      shape.fixed = {kind, dtype, number(kernel.weights), kernel.n, kernel.k, batch};
      shape.extent = {m};
      return shape;
    }
    case KernelKind::kGroupedGemm:
      if (kernel.m <= 0 || kernel.groups <= 0) return std::nullopt;
      shape.fixed = {kind, dtype, number(kernel.weights), kernel.n, kernel.k};
      shape.extent = {groups, m / groups};
      return shape;
    case KernelKind::kPrefillAttention:
    case KernelKind::kDecodeAttention: {
      if (a.heads <= 0) return std::nullopt;
      const bool prefill = kernel.kind == KernelKind::kPrefillAttention;
      shape.fixed = {kind,       dtype,      number(a.cache), a.heads,
                     a.kv_heads, a.head_dim, a.v_head_dim,    prefill ? a.window : 0};
      shape.extent = {a.sequences, prefill ? a.queries : a.keys, prefill ? a.keys : 0};
      return shape;
    }
    case KernelKind::kElementwise:
      shape.fixed = {kind};
      shape.extent = {kernel.bytes.value() / std::max(kernel.launches, 1)};
      return shape;
  }
  return std::nullopt;
}

MeasuredKernels::MeasuredKernels(std::vector<Row> rows) : rows_(std::move(rows)) {
  std::sort(rows_.begin(), rows_.end(),
            [](const Row& a, const Row& b) { return a.shape < b.shape; });
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (i == 0 || rows_[i].shape.fixed != rows_[i - 1].shape.fixed) surfaces_.push_back(i);
  }
  surfaces_.push_back(rows_.size());
}

// The rows of a shape, of any extent.
MeasuredKernels::Rows MeasuredKernels::surface(const MeasuredShape& shape) const {
  const auto last = surfaces_.end() - 1;
  const auto found = std::lower_bound(
      surfaces_.begin(), last, shape.fixed,
      [&](std::size_t first, const Fixed& fixed) { return rows_[first].shape.fixed < fixed; });
  if (found == last || rows_[*found].shape.fixed != shape.fixed) return {};
  return Rows(rows_).subspan(*found, found[1] - *found);
}

bool MeasuredKernels::holds(const MeasuredShape& shape) const {
  return !surface(shape).empty();
}

std::optional<MeasuredCost> MeasuredKernels::find(const Kernel& kernel) const {
  const auto shape = measured_shape(kernel);
  if (!shape) return std::nullopt;
  const Rows rows = surface(*shape);
  if (rows.empty()) return std::nullopt;
  const auto found = sample(rows, *shape, 0);
  if (!found) return std::nullopt;
  const double times = repeats(kernel);
  return MeasuredCost{Seconds(times * std::max(0.0, found->time - found->launch)),
                      Seconds(times * found->time), Watts(found->power)};
}

// Requires: rows not empty, equal in `fixed` and in the extents before `axis`.
std::optional<MeasuredKernels::Sample> MeasuredKernels::sample(Rows rows, const MeasuredShape& at,
                                                               std::size_t axis) {
  const std::int64_t kind = at.fixed[0];
  if (axis == num_extents(kind)) {
    const Row& row = rows.front();
    return Sample{row.time.value(), row.launch.value(), row.power.value()};
  }
  const double x = at.extent[axis];
  const auto below = [axis](double value) {
    return [axis, value](const Row& row) { return row.shape.extent[axis] < value; };
  };
  const auto upto = [axis](double value) {
    return [axis, value](const Row& row) { return row.shape.extent[axis] <= value; };
  };
  const auto upper = std::partition_point(rows.begin(), rows.end(), below(x));
  if (upper == rows.end()) return std::nullopt;
  const double b = upper->shape.extent[axis];
  const auto end = std::partition_point(upper, rows.end(), upto(b));
  if (b == x) return sample(Rows(upper, end), at, axis + 1);
  if (upper == rows.begin()) return std::nullopt;
  const double a = (upper - 1)->shape.extent[axis];
  const bool linear = is_linear(kind, axis);
  if (!linear && b > kWidestGap * a) return std::nullopt;

  const auto first = std::partition_point(rows.begin(), upper, below(a));
  const auto low = sample(Rows(first, upper), at, axis + 1);
  const auto high = sample(Rows(upper, end), at, axis + 1);
  if (!low || !high) return std::nullopt;
  const double w = linear ? (x - a) / (b - a) : std::log(x / a) / std::log(b / a);
  Sample mean;
  mean.time = linear ? std::lerp(low->time, high->time, w)
                     : low->time * std::pow(high->time / low->time, w);
  mean.launch = std::lerp(low->launch, high->launch, w);
  const bool power = low->power > 0 && high->power > 0;
  mean.power = power ? std::lerp(low->power, high->power, w) : 0;
  return mean;
}

}  // namespace moesim
