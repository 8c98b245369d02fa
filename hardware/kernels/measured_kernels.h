// Kernel times measured on a machine, looked up by shape. Where they cover a kernel they take the
// place of the model's time (DeviceModel::cost).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hardware/kernels/kernel.h"

namespace moesim {

// A measured time and power of one kernel.
struct MeasuredCost {
  Seconds busy;  // Without the launch that the measurement contains.
  Seconds time;  // With it.
  Watts power;   // Mean of the device over back-to-back runs of `time`; 0 = not measured.
};

// Where a kernel lies in a table. `fixed` must be equal; between two values of `extent` a time is
// interpolated.
//   gemm               dtype, weight dtype, n, k, groups | m
//   grouped_gemm       dtype, weight dtype, n, k         | groups, rows per group
//   prefill_attention  the formats, heads, kv heads, head dims, window  | chunks, tokens, past
//   decode_attention   the formats, heads, kv heads, head dims          | sequences, keys
//   elementwise                                          | bytes of one launch
struct MeasuredShape {
  std::array<std::int64_t, 8> fixed{};
  std::array<double, 3> extent{};

  auto operator<=>(const MeasuredShape&) const = default;
};

// Nothing for kernels that no table can hold, such as linear attention and sparse cores.
std::optional<MeasuredShape> measured_shape(const Kernel& kernel);

class MeasuredKernels {
 public:
  struct Row {
    MeasuredShape shape;
    Seconds time;
    Seconds launch;  // Contained in `time`.
    Watts power;     // 0 = not measured.
  };

  // Requires: times above zero, no shape twice.
  explicit MeasuredKernels(std::vector<Row> rows);

  // The cost of the whole run of a kernel that the rows cover: its own row, or between rows log-log
  // in each extent, but linear in the cached tokens of a prompt, in which its work is linear.
  // Nothing beyond the first and last row of an extent, and nothing across a gap of more than a
  // factor of four, where a line would hide the bend between latency and throughput.
  std::optional<MeasuredCost> find(const Kernel& kernel) const;

  // Whether there is a row of this shape, whatever its extent.
  bool holds(const MeasuredShape& shape) const;
  std::size_t size() const { return rows_.size(); }

 private:
  using Rows = std::span<const Row>;
  struct Sample {
    double time = 0;
    double launch = 0;
    double power = 0;
  };

  Rows surface(const MeasuredShape& shape) const;
  static std::optional<Sample> sample(Rows rows, const MeasuredShape& at, std::size_t axis);

  // Sorted by shape, so that rows which agree in the first extents lie side by side.
  std::vector<Row> rows_;
  std::vector<std::size_t> surfaces_;  // First row of each distinct `fixed`, and the end.
};

}  // namespace moesim
