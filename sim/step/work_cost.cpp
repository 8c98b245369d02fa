#include "sim/step/work_cost.h"

#include <algorithm>

namespace moesim {

WorkCost repeated(const WorkCost& cost, double times) {
  return {cost.launch * times,        cost.compute * times,        cost.memory * times,
          cost.launch_energy * times, cost.compute_energy * times, cost.memory_energy * times,
          cost.measured * times};
}

WorkCost work_cost(std::span<const Kernel> kernels, const DeviceModel& device, bool eager,
                   double launch_factor) {
  WorkCost sum;
  for (const Kernel& kernel : kernels) {
    const KernelCost cost = device.cost(kernel, eager);
    sum.launch += cost.launch * launch_factor;
    sum.launch_energy += cost.launch_energy * launch_factor;
    const bool compute = cost.bound == Bound::kCompute;
    (compute ? sum.compute : sum.memory) += cost.busy;
    if (cost.measured) sum.measured += cost.busy;
    (compute ? sum.compute_energy : sum.memory_energy) += cost.energy - cost.launch_energy;
  }
  return sum;
}

WorkCost queued_work_cost(std::span<const Kernel> kernels, const DeviceModel& device,
                          double launch_factor) {
  WorkCost sum = work_cost(kernels, device, true, launch_factor);
  const Seconds least = sum.launch / device.device().family.eager_launch_factor;
  const Seconds hidden = std::min(sum.launch - least, sum.compute + sum.memory);
  sum.launch -= hidden;
  sum.launch_energy -= std::min(device.waiting_power(), device.communication_power(0)) * hidden;
  return sum;
}

void charge(const WorkCost& cost, DeviceLedger& ledger) {
  ledger.add(Activity::kOverhead, cost.launch, cost.launch_energy);
  ledger.add(Activity::kCompute, cost.compute, cost.compute_energy);
  ledger.add(Activity::kMemory, cost.memory, cost.memory_energy);
  ledger.measured += cost.measured;
}

}  // namespace moesim
