#include "hardware/kernels/measured_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/input_error.h"

namespace moesim {

namespace {

constexpr double kMostCount = 1e9;
constexpr double kMostTraffic = 1e15;

}  // namespace

using Column = MeasuredColumn;

std::string_view name_of(MeasuredColumn column) {
  return kMeasuredColumns[static_cast<std::size_t>(column)].name;
}

double MeasuredRow::number(Column column, double least, double most, bool whole) const {
  const std::string_view text = cell(column);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool read = error == std::errc() && end == text.data() + text.size();
  const bool in_range = read && value >= least && value <= most;  // False for NaN.
  if (in_range && (!whole || value == std::floor(value))) return value;
  fault_(name_of(column), text,
         whole ? fmt::format("a whole number from {} to {} expected", least, most)
               : fmt::format("a number above 0 and up to {} expected", most));
  return std::max(least, 1.0);
}

std::int64_t MeasuredRow::count(Column column, std::int64_t otherwise, std::int64_t least) const {
  if (!has(column)) return otherwise;
  return static_cast<std::int64_t>(number(column, static_cast<double>(least), kMostCount, true));
}

Dtype MeasuredRow::dtype(Column column, Dtype otherwise) const {
  const std::string_view text = cell(column);
  if (text.empty()) return otherwise;
  const auto found = from_word<Dtype>(text);
  if (found) return *found;
  fault_(name_of(column), text, "one of " + comma_list(words_of<Dtype>()));
  return otherwise;
}

//   gemm: flops = 2 g m n k, bytes = g (n k b_w + m k b + 2 m n); grouped: m counts all groups.
void MeasuredRow::read_gemm(Kernel& kernel) const {
  kernel.weights = dtype(Column::kWeightDtype, kernel.dtype);
  kernel.m = count(Column::kM, 0);
  kernel.n = count(Column::kN, 0);
  kernel.k = count(Column::kK, 0);
  kernel.groups = count(Column::kGroups, 1);
  const bool grouped = kernel.kind == KernelKind::kGroupedGemm;
  if (grouped && kernel.groups > kernel.m) {
    fault_("groups", cell(Column::kGroups), "at most m: every expert hit has a row");
  }
  const double m = static_cast<double>(kernel.m), n = static_cast<double>(kernel.n),
               k = static_cast<double>(kernel.k), g = static_cast<double>(kernel.groups);
  const double rows = grouped ? m : m * g;
  kernel.flops = Flops(2 * rows * n * k);
  kernel.bytes = Bytes(g * n * k * element_bytes(kernel.weights) +
                       rows * (k * element_bytes(kernel.dtype) + 2 * n));
}

// A window only makes the work less, so that leaving it out of the FLOPs would refuse sound rows:
// pairs are those that the window lets through at least.
void MeasuredRow::read_attention(Kernel& kernel) const {
  AttentionShape& a = kernel.attention;
  const auto small = [&](Column column, std::int64_t otherwise, std::int64_t least = 1) {
    return static_cast<std::int32_t>(count(column, otherwise, least));
  };
  a.cache = dtype(Column::kCacheDtype, Dtype::kBf16);
  a.heads = small(Column::kHeads, 0);
  a.kv_heads = small(Column::kKvHeads, 0);
  a.head_dim = small(Column::kHeadDim, 0);
  a.v_head_dim = small(Column::kVHeadDim, a.head_dim);
  a.window = small(Column::kWindow, 0, 0);
  a.sequences = static_cast<double>(count(Column::kBatch, 0));
  const bool prefill = kernel.kind == KernelKind::kPrefillAttention;
  a.queries = prefill ? static_cast<double>(count(Column::kSeq, 0)) : 1;
  a.keys = static_cast<double>(prefill ? count(Column::kPast, 0, 0) : count(Column::kKvLen, 0));
  if (a.kv_heads > a.heads) {
    fault_("kv_heads", cell(Column::kKvHeads), "at most heads");
  }
  const double width = static_cast<double>(a.head_dim) + static_cast<double>(a.v_head_dim);
  double keys = prefill ? a.keys + (a.queries + 1) / 2 : a.keys;
  if (a.window > 0) keys = std::min(keys, static_cast<double>(a.window) / 2);
  kernel.flops = Flops(2 * static_cast<double>(a.heads) * width * a.sequences * a.queries * keys);
  const double read = prefill ? a.keys + a.queries : a.keys;
  kernel.bytes = Bytes(a.sequences * width *
                       (static_cast<double>(a.kv_heads) * read * element_bytes(a.cache) +
                        static_cast<double>(a.heads) * a.queries * 2));
}

Kernel MeasuredRow::kernel(KernelKind kind) const {
  Kernel kernel;
  kernel.kind = kind;
  kernel.dtype = dtype(Column::kDtype, Dtype::kBf16);
  if (kind == KernelKind::kElementwise) {
    kernel.bytes = Bytes(number(Column::kBytes, 1, kMostTraffic, true));
  } else if ((only(kind) & kGemms) != 0) {
    read_gemm(kernel);
  } else {
    read_attention(kernel);
  }
  return kernel;
}

}  // namespace moesim
