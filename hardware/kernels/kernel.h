// One GPU kernel (or a run of equal small ones) as work, and its time and energy on a device.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/dtype.h"
#include "base/units.h"
#include "base/words.h"
#include "hardware/spec/device.h"

namespace moesim {

enum class KernelKind {
  kGemm,              // C[m,n] = A[m,k] B[k,n].
  kGroupedGemm,       // The same for each of `groups` experts that were hit; m rows in all.
  kPrefillAttention,  // Bound by FLOPs (scores and values).
  kDecodeAttention,   // Bound by reading the KV cache; by FLOPs where many heads share a key (MLA).
  kElementwise,  // Norms, rotary, activation, permutation, cache writes, sampling: traffic only.
};
template <>
inline constexpr auto kWords<KernelKind> = enum_words<KernelKind>({
    {KernelKind::kGemm, "gemm"},
    {KernelKind::kGroupedGemm, "grouped_gemm"},
    {KernelKind::kPrefillAttention, "prefill_attention"},
    {KernelKind::kDecodeAttention, "decode_attention"},
    {KernelKind::kElementwise, "elementwise"},
});

// Layout and extent of an attention core, by which measured tables are searched. Heads are those of
// one rank. heads 0: not a kernel that a table could hold.
struct AttentionShape {
  std::int32_t heads = 0;
  std::int32_t kv_heads = 0;
  std::int32_t head_dim = 0;    // Of queries and keys.
  std::int32_t v_head_dim = 0;  // Of values.
  std::int32_t window = 0;      // kPrefillAttention: keys that a query sees at most; 0 = all.
  Dtype cache = Dtype::kBf16;   // Format of keys and values.
  double sequences = 0;         // Prompt chunks or decoding sequences.
  double queries = 0;           // New tokens of the mean sequence.
  double keys = 0;  // Of the mean sequence. Prefill: cached before; decode: read, window applied.
};

// `flops` and `bytes` are those of the whole run; m, n, k give the shape of one multiplication, so
// a GEMM does flops / (2 m n k) of them.
struct Kernel {
  KernelKind kind = KernelKind::kElementwise;
  Dtype dtype = Dtype::kBf16;    // Format that the multiplication runs in.
  Dtype weights = Dtype::kBf16;  // GEMM: format that B is stored in.
  double weight_bytes = 0;       // GEMM: of one element of B with its scales; 0 = as `dtype`.
  std::int64_t m = 0;            // GEMM shapes; 0 otherwise.
  std::int64_t n = 0;
  std::int64_t k = 0;  // kPrefillAttention: head dimension; 0 = large.
  std::int64_t groups =
      0;  // kGroupedGemm: distinct experts hit. kGemm: problems in one batch; 0 = 1.
  std::int64_t keys = 0;  // kPrefillAttention: mean keys per query, for the ramp.
  AttentionShape attention;
  Flops flops;            // Executed.
  Bytes bytes;            // Read from and written to HBM.
  int launches = 1;       // Kernels of this kind started one after another.
  const char* name = "";  // "qkv", "down", ... for traces and `check`.
};

struct MeasuredCost;

enum class Bound { kCompute, kMemory };

struct KernelCost {
  Seconds launch;  // Fixed part.
  Seconds busy;    // Roofline part, slowed by a power limit below the TDP.
  Bound bound = Bound::kMemory;
  Joules energy;          // Of the device during launch + busy, at full clock: a short kernel may
                          // draw more than the limit, a whole step may not.
  Joules launch_energy;   // Of that, during launch.
  bool measured = false;  // `busy` rests on a measured table.

  Seconds time() const { return launch + busy; }
};

// Times and powers kernels on one device.
class DeviceModel {
 public:
  // `power_limit` 0 means the data-sheet TDP. `launch_factor` scales the family's launch cost
  // (serving engine). Throws: std::invalid_argument for a device without a peak, a bandwidth or a
  // TDP.
  DeviceModel(const DeviceSpec& device, Watts power_limit, double launch_factor);

  // Time and energy of one kernel. `eager` = launched outside a CUDA graph.
  //   busy = (t_compute^p + t_memory^p)^(1/p), never below max(flops/peak, bytes/bandwidth),
  // or the time of the device's measured tables where they cover the shape.
  // Requires: no negative member of `kernel`.
  KernelCost cost(const Kernel& kernel, bool eager) const;

  // Power of phases without a kernel.
  Watts idle_power() const;     // Process resident, nothing to do.
  Watts waiting_power() const;  // Inside a step, waiting for peers or the host.
  // Sending and receiving at a share of the scale-up bandwidth.
  Watts communication_power(double link_utilisation) const;
  // Highest average over a step or longer.
  Watts power_limit() const { return limit_; }

  const DeviceSpec& device() const { return device_; }

 private:
  // Rates of one number format, in FLOP/s; looked up once so that cost() need not search.
  struct MathRate {
    double peak = 0;       // Data sheet.
    double dense = 0;      // Large GEMM.
    double expert = 0;     // Grouped GEMM without lost rows.
    double attention = 0;  // Attention core over many keys.
    double element_bytes = 0;
  };
  // Roofline part at full clock.
  struct Roofline {
    double compute = 0;  // s
    double memory = 0;   // s
    double floor = 0;    // s, data-sheet bound
    double busy = 0;     // s
  };

  void read_rates();
  const MathRate& rate(Dtype dtype) const { return rates_[static_cast<std::size_t>(dtype)]; }

  Roofline roofline(const Kernel& kernel) const;
  double compute_seconds(const Kernel& kernel) const;
  double memory_seconds(const Kernel& kernel) const;
  double gemm_seconds(const Kernel& kernel) const;
  double lost_rows(const Kernel& kernel) const;
  double soft_maximum(double a, double b) const;

  double dynamic_joules(const Kernel& kernel) const;
  double executed_flops(const Kernel& kernel) const;
  void add_energy(double joules, bool eager, KernelCost& cost) const;
  KernelCost measured_cost(const Kernel& kernel, const MeasuredCost& found, double launch,
                           bool eager) const;
  double limited_seconds(const Roofline& work, double joules) const;
  Watts capped(double share_of_tdp) const;

  DeviceSpec device_;
  Watts limit_;  // Highest sustained power: of the chip, or of the scenario if that is less.
  bool limited_ = false;  // The scenario's limit lies below the sustained power of the chip.
  double launch_ = 0;     // s, engine factor included
  std::array<MathRate, kAllDtypes.size()> rates_;
};

}  // namespace moesim
