// One row of a measured table, cell by cell, and the kernel that it times.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hardware/kernels/measured_columns.h"

namespace moesim {

inline constexpr double kMostMeasuredSeconds = 1e4;
inline constexpr double kMostMeasuredWatts = 1e6;

std::string_view name_of(MeasuredColumn column);

class MeasuredRow {
 public:
  // Place of each column in a row; beyond the row's end where the file has no such column.
  using Places = std::array<std::size_t, kMeasuredColumns.size()>;
  // Takes the column, the value found and what is allowed.
  using Fault = std::function<void(std::string_view, std::string_view, const std::string&)>;

  MeasuredRow(const std::vector<std::string_view>& cells, const Places& places, Fault fault)
      : cells_(cells), places_(places), fault_(std::move(fault)) {}

  std::string_view cell(MeasuredColumn column) const {
    const std::size_t place = places_[static_cast<std::size_t>(column)];
    return place < cells_.size() ? cells_[place] : std::string_view();
  }
  bool has(MeasuredColumn column) const { return !cell(column).empty(); }
  // Each reads a cell, or adds a fault and returns some value that is allowed.
  double number(MeasuredColumn column, double least, double most, bool whole) const;
  std::int64_t count(MeasuredColumn column, std::int64_t otherwise, std::int64_t least = 1) const;
  Dtype dtype(MeasuredColumn column, Dtype otherwise) const;

  // The kernel with its shape, and the FLOPs and bytes of one launch.
  // Requires: the cells that the kind needs are not empty.
  Kernel kernel(KernelKind kind) const;

 private:
  void read_gemm(Kernel& kernel) const;
  void read_attention(Kernel& kernel) const;

  const std::vector<std::string_view>& cells_;
  const Places& places_;
  Fault fault_;
};

}  // namespace moesim
