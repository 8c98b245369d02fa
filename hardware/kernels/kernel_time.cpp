#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "hardware/kernels/kernel.h"
#include "hardware/kernels/measured_kernels.h"

namespace moesim {

namespace {

// Output tiles that one CTA computes in common GEMM libraries, and into how many pieces k is cut
// when there are too few tiles for the SMs. Source: docs/physics.md, "GEMM".
struct Tile {
  std::int64_t rows;
  std::int64_t columns;

  // Rows that it computes of m. Libraries have flatter tiles for fewer rows than the smallest, down
  // to the product of a vector and the matrix.
  std::int64_t computed(std::int64_t m) const {
    return rows == kLeastRows ? std::min(rows, m) : rows;
  }
  static constexpr std::int64_t kLeastRows = 64;
};
constexpr std::array kTiles = {Tile{64, 64},   Tile{64, 128},  Tile{128, 64},
                               Tile{128, 128}, Tile{128, 256}, Tile{256, 128}};
constexpr std::array<std::int64_t, 4> kSplits = {1, 2, 4, 8};

constexpr double kPartialSumBytes = 8;  // Of a split k: written and read in fp32.

// The head dimension at which a family's figure for attention was taken.
constexpr double kReferenceHead = 128;

// The exponentials of an attention core cost as much for a small head dimension d as for a large
// one, so that its rate goes with d / (d + ramp), relative to the reference.
double head_fill(std::int64_t head_dimension, double ramp) {
  if (head_dimension <= 0) return 1;
  const double d = static_cast<double>(head_dimension);
  const double reference = kReferenceHead / (kReferenceHead + ramp);
  return std::min(1.0, d / (d + ramp) / reference);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// The efficiency of a format that the family does not list is that of bf16.
double efficiency_of(const KernelFamily& family, Dtype dtype) {
  auto found = family.compute_efficiency.find(dtype);
  if (found == family.compute_efficiency.end()) {
    found = family.compute_efficiency.find(Dtype::kBf16);
  }
  return found == family.compute_efficiency.end() ? 1 : found->second;
}

}  // namespace

DeviceModel::DeviceModel(const DeviceSpec& device, Watts power_limit, double launch_factor)
    : device_(device), launch_(device.family.launch.value() * launch_factor) {
  const Watts sustained = device.tdp * device.family.power_cap;
  limited_ = power_limit > Watts(0) && power_limit < sustained;
  limit_ = limited_ ? power_limit : sustained;
  if (device.memory_bandwidth <= BytesPerSecond(0) || device.tdp <= Watts(0)) {
    throw std::invalid_argument("device " + device.name + " has no memory bandwidth or no TDP");
  }
  read_rates();
}

void DeviceModel::read_rates() {
  const KernelFamily& family = device_.family;
  for (const Dtype dtype : kAllDtypes) {
    MathRate& rate = rates_[static_cast<std::size_t>(dtype)];
    const Dtype runs_in = device_.compute_dtype(dtype);
    rate.peak = device_.peak_of(dtype).value();
    if (!(rate.peak > 0)) throw std::invalid_argument("device " + device_.name + " has no peak");
    rate.dense = rate.peak * efficiency_of(family, runs_in);
    rate.expert = rate.dense * family.expert_compute_efficiency;
    if (device_.widens(dtype)) rate.expert *= family.widened_expert_efficiency;
    rate.attention = rate.peak * family.attention_compute_efficiency;
    rate.element_bytes = element_bytes(runs_in);
  }
}

KernelCost DeviceModel::cost(const Kernel& kernel, bool eager) const {
  const double launch =
      kernel.launches * launch_ * (eager ? device_.family.eager_launch_factor : 1.0);
  if (device_.measured) {
    if (const auto found = device_.measured->find(kernel)) {
      return measured_cost(kernel, *found, launch, eager);
    }
  }
  const Roofline work = roofline(kernel);
  const double joules = dynamic_joules(kernel);
  const double busy = limited_ ? limited_seconds(work, joules) : work.busy;

  KernelCost cost;
  cost.launch = Seconds(launch);
  cost.busy = Seconds(busy);
  cost.bound = work.compute > work.memory ? Bound::kCompute : Bound::kMemory;
  add_energy(joules, eager, cost);
  return cost;
}

DeviceModel::Roofline DeviceModel::roofline(const Kernel& kernel) const {
  Roofline work;
  work.compute = compute_seconds(kernel);
  work.memory = memory_seconds(kernel);
  work.floor = std::max(kernel.flops.value() / rate(kernel.dtype).peak,
                        kernel.bytes.value() / device_.memory_bandwidth.value());
  work.busy = std::max(soft_maximum(work.compute, work.memory), work.floor);
  return work;
}

// Attention over L keys per query reaches 1 / (1 + ramp/L) of its rate.
double DeviceModel::compute_seconds(const Kernel& kernel) const {
  const double flops = kernel.flops.value();
  if (flops <= 0) return 0;
  const KernelFamily& family = device_.family;
  const MathRate& reached = rate(kernel.dtype);
  switch (kernel.kind) {
    case KernelKind::kGemm:
      return gemm_seconds(kernel);
    case KernelKind::kGroupedGemm: {
      const double rows = static_cast<double>(std::max<std::int64_t>(kernel.m, 1));
      return flops * (1 + lost_rows(kernel) / rows) / reached.expert;
    }
    case KernelKind::kPrefillAttention: {
      const double keys = static_cast<double>(std::max<std::int64_t>(kernel.keys, 1));
      const double rate_of_head =
          reached.attention * head_fill(kernel.k, family.attention_ramp_head_dim);
      return flops * (1 + family.attention_ramp_tokens / keys) / rate_of_head;
    }
    case KernelKind::kDecodeAttention:
      return flops / reached.attention;
    case KernelKind::kElementwise:
      return 0;
  }
  return 0;
}

// The last tile of an expert is never full: half of it is lost. But no tile has more rows than the
// mean expert that was hit, so that one row each loses none.
//   lost = D min(rows_lost, rows / D - 1)
double DeviceModel::lost_rows(const Kernel& kernel) const {
  const KernelFamily& family = device_.family;
  const double most =
      device_.widens(kernel.dtype) ? family.widened_rows_lost : family.expert_rows_lost;
  const double experts = static_cast<double>(kernel.groups);
  return std::clamp(static_cast<double>(kernel.m) - experts, 0.0, most * experts);
}

double DeviceModel::memory_seconds(const Kernel& kernel) const {
  const bool cache = kernel.kind == KernelKind::kDecodeAttention;
  const double share =
      cache ? device_.family.kv_bandwidth_efficiency : device_.family.bandwidth_efficiency;
  return kernel.bytes.value() / (share * device_.memory_bandwidth.value());
}

// Output tiles spread over the SMs in waves; a wave lasts as long as one tile does on one SM, which
// is bound by its share of the peak or by the bytes that one SM can pull:
//   waves = ceil(batch ceil(m/rows) ceil(n/columns) s / SMs)
//   t = waves max(2 rows columns (k/s) SMs/(e peak), (rows b_a + columns b_w)(k/s)/r) + t_s
//   r = sm_bandwidth_share bandwidth/SMs
//   t_s = 8 s m n bytes from the last-level cache if k is split into s > 1 pieces
// The fastest tile and s count. Rows beyond m are not loaded, and computed only in tiles of more
// than 64 rows. Weights are fetched as they are stored.
// Source: docs/physics.md, "GEMM".
double DeviceModel::gemm_seconds(const Kernel& kernel) const {
  const MathRate& reached = rate(kernel.dtype);
  const double flops = kernel.flops.value();
  const std::int64_t sms = device_.num_sms;
  const std::int64_t m = kernel.m, n = kernel.n, k = kernel.k;
  if (sms <= 0 || m <= 0 || n <= 0 || k <= 0) return flops / reached.dense;

  const std::int64_t batch = std::max<std::int64_t>(kernel.groups, 1);
  const double bandwidth = device_.memory_bandwidth.value();
  const double sm_rate = reached.dense / static_cast<double>(sms);
  const double sm_bytes = device_.family.sm_bandwidth_share * bandwidth / static_cast<double>(sms);
  const double weight_bytes = kernel.weight_bytes > 0 ? kernel.weight_bytes : reached.element_bytes;
  const double cache_bandwidth = device_.family.cache_bandwidth_factor * bandwidth;
  const double outputs =
      static_cast<double>(batch) * static_cast<double>(m) * static_cast<double>(n);

  double best = HUGE_VAL;
  for (const Tile tile : kTiles) {
    const std::int64_t tiles = batch * ceil_div(m, tile.rows) * ceil_div(n, tile.columns);
    const double math = 2.0 * static_cast<double>(tile.computed(m) * tile.columns) / sm_rate;
    const double loaded = static_cast<double>(std::min(tile.rows, m)) * reached.element_bytes +
                          static_cast<double>(std::min(tile.columns, n)) * weight_bytes;
    const double per_k = std::max(math, sm_bytes > 0 ? loaded / sm_bytes : 0);
    for (const std::int64_t s : kSplits) {
      const double waves = static_cast<double>(ceil_div(tiles * s, sms));
      const double math_time = waves * per_k * static_cast<double>(k) / static_cast<double>(s);
      const double sum_bytes = s > 1 ? kPartialSumBytes * static_cast<double>(s) * outputs : 0;
      best = std::min(best, math_time + sum_bytes / cache_bandwidth);
    }
  }
  return best * flops / (2.0 * outputs * static_cast<double>(k));
}

// (a^p + b^p)^(1/p), by way of the ratio so that it can neither overflow nor vanish.
double DeviceModel::soft_maximum(double a, double b) const {
  const double p = device_.family.overlap_exponent;
  const double high = std::max(a, b);
  if (high <= 0) return 0;
  const double ratio = std::min(a, b) / high;
  if (p == 1) return high * (1 + ratio);
  if (p == 2) return high * std::sqrt(1 + ratio * ratio);
  return ratio > 0 ? high * std::exp2(std::log2(1 + std::exp2(p * std::log2(ratio))) / p) : high;
}

}  // namespace moesim
