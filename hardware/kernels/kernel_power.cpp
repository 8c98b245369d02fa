#include <algorithm>
#include <cmath>

#include "hardware/kernels/kernel.h"
#include "hardware/kernels/measured_kernels.h"

namespace moesim {

namespace {

// Dynamic power, as a share of TDP, of a chip whose limit lies at or below its resident power.
constexpr double kLeastDynamicShare = 0.02;

// Accuracy of the clock search; it takes about six steps.
constexpr double kClockTolerance = 1e-8;
constexpr int kMaxSteps = 40;

// Rows to which the tensor units pad the work of an expert; formats not listed as bf16.
double tile_rows(const KernelFamily& family, Dtype dtype) {
  auto found = family.expert_tile_rows.find(dtype);
  if (found == family.expert_tile_rows.end()) found = family.expert_tile_rows.find(Dtype::kBf16);
  return found == family.expert_tile_rows.end() ? 0 : found->second;
}

}  // namespace

Watts DeviceModel::capped(double share_of_tdp) const {
  return std::min(limit_, device_.tdp * share_of_tdp);
}

Watts DeviceModel::idle_power() const {
  return std::min(limit_, device_.idle + device_.context);
}

Watts DeviceModel::waiting_power() const {
  return std::min(limit_, device_.waiting_power());
}

Watts DeviceModel::communication_power(double link_utilisation) const {
  const double share = std::clamp(link_utilisation, 0.0, 1.0);
  const KernelFamily& family = device_.family;
  return std::max(idle_power(), capped(family.power_busy + family.power_link * share));
}

// FLOPs that the tensor units execute: at least one full tile for each expert hit, and half a tile
// of padding behind longer runs of tokens.
double DeviceModel::executed_flops(const Kernel& kernel) const {
  if (kernel.kind != KernelKind::kGroupedGemm || kernel.m <= 0) return kernel.flops.value();
  const double tile = tile_rows(device_.family, device_.compute_dtype(kernel.dtype));
  const double rows = static_cast<double>(kernel.m);
  const double experts = static_cast<double>(kernel.groups);
  const double padded = std::max(rows + experts * tile / 2, experts * tile);
  return kernel.flops.value() * std::max(1.0, padded / rows);
}

// Energy beyond that of a chip whose units are merely occupied:
//   E = TDP (hbm bytes/bandwidth + tensor flops/peak)
// so that over a step of length t with work in all of it, P = busy + hbm u_hbm + tensor u_tensor,
// where u = work / (t data-sheet rate). The coefficients are effective: `tensor` is mostly caches
// and registers and holds for the low utilisation of decode steps. A limiter acts on averages over
// tens of milliseconds, so the limit bounds a step and not a kernel (sim/step/step_books.cpp);
// bounding each kernel doubles the error on measured runs with many experts. Source:
// docs/physics.md, "Power".
double DeviceModel::dynamic_joules(const Kernel& kernel) const {
  const KernelFamily& family = device_.family;
  const double hbm_seconds = kernel.bytes.value() / device_.memory_bandwidth.value();
  const double tensor_seconds = executed_flops(kernel) / rate(kernel.dtype).peak;
  return device_.tdp.value() *
         (family.power_hbm * hbm_seconds + family.power_tensor * tensor_seconds);
}

// While the host is late with an eager launch the chip waits; in a graph the next kernel is there.
void DeviceModel::add_energy(double joules, bool eager, KernelCost& cost) const {
  const Watts resident = capped(device_.family.power_busy);
  const double in_graph = eager ? 1 / device_.family.eager_launch_factor : 1;
  cost.launch_energy =
      cost.launch * (resident * in_graph + std::min(resident, waiting_power()) * (1 - in_graph));
  const Joules most = (limit_ - resident) * cost.busy;
  cost.energy = cost.launch_energy + resident * cost.busy +
                (limited_ ? std::min(Joules(joules), most) : Joules(joules));
}

// Time under a power limit. The chip lowers its clock to the share f of the full one: compute takes
// 1/f as long, memory as long as before. Voltage follows the clock, so that the energy E of the
// work falls with f^2 and the power of running at all, beyond that of an idle process, with f^3:
//   idle + (busy - idle) f^3 + E f^2/t <= limit
//   t = min over f of max(softmax(t_compute/f, t_memory), E f^2/left(f))
//   left(f) = limit - idle - (busy - idle) f^3
// The first term falls with f and the second rises, so the best f is where they are equal.
// A kernel above the sustained power of the chip counts as if it drew just that.
// Evidence: Splitwise (ISCA 2024) finds prompts 1.3 times as long on H100 at half the TDP and
// decode unchanged; this formula gives 1.35 for pure compute and 1.0 for pure memory traffic.
double DeviceModel::limited_seconds(const Roofline& work, double joules) const {
  const double tdp = device_.tdp.value();
  const double most = (device_.family.power_cap - device_.family.power_busy) * tdp * work.busy;
  const double sustained = std::clamp(joules, 0.0, std::max(0.0, most));
  const double spare = limit_.value() - idle_power().value();
  const double running = std::max(0.0, device_.family.power_busy * tdp - idle_power().value());
  const auto clocked = [&](double f) {
    return std::max(soft_maximum(work.compute / f, work.memory), work.floor);
  };
  const auto powered = [&](double f) {
    return sustained * f * f / std::max(spare - running * f * f * f, kLeastDynamicShare * tdp);
  };
  double low = device_.family.lowest_clock, high = 1;
  if (powered(high) <= work.busy) return work.busy;
  double below = powered(low) - clocked(low), above = powered(high) - work.busy;
  if (below >= 0) return powered(low);

  // False position with the Illinois weights.
  double f = low;
  for (int i = 0, side = 0; i < kMaxSteps; ++i) {
    f = (low * above - high * below) / (above - below);
    const double excess = powered(f) - clocked(f);
    if (std::abs(excess) <= kClockTolerance * work.busy) break;
    if (excess > 0) {
      high = f, above = excess;
      below *= side > 0 ? 0.5 : 1;
      side = 1;
    } else {
      low = f, below = excess;
      above *= side < 0 ? 0.5 : 1;
      side = -1;
    }
  }
  return std::max(clocked(f), powered(f));
}

// The model still splits the measured time into compute and memory, for accounting and for a power
// limit, which slows compute alone. Measured power P is the mean over back-to-back runs of t each,
// launch included; power beyond that of a resident process belongs to the busy part:
//   E = P t - resident (t - busy),  or P busy where P lies below resident
KernelCost DeviceModel::measured_cost(const Kernel& kernel, const MeasuredCost& found,
                                      double launch, bool eager) const {
  Roofline work = roofline(kernel);
  const double ratio = work.busy > 0 ? found.busy.value() / work.busy : 0;
  work.compute *= ratio;
  work.memory *= ratio;
  work.floor *= ratio;
  work.busy *= ratio;

  const Watts resident = capped(device_.family.power_busy);
  const bool has_power = found.power > Watts(0);
  Joules beyond(0);
  if (has_power) {
    const Seconds over = found.power > resident ? found.time : found.busy;
    beyond = (found.power - resident) * over;
  } else {
    beyond = Joules(dynamic_joules(kernel));
  }
  KernelCost cost;
  cost.launch = Seconds(launch);
  cost.busy = Seconds(limited_ ? limited_seconds(work, std::max(0.0, beyond.value())) : work.busy);
  cost.bound = work.compute > work.memory ? Bound::kCompute : Bound::kMemory;
  if (has_power) beyond = std::min(beyond, (std::max(limit_, found.power) - resident) * cost.busy);
  add_energy(beyond.value(), eager, cost);
  cost.measured = true;
  return cost;
}

}  // namespace moesim
