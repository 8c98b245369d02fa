// Time and energy of a sequence of kernels on one device, split by activity.
#pragma once

#include <span>

#include "hardware/kernels/kernel.h"
#include "sim/step/device_ledger.h"

namespace moesim {

struct WorkCost {
  Seconds launch, compute, memory;
  Joules launch_energy, compute_energy, memory_energy;
  Seconds measured;  // Part of compute and memory: kernels timed by a measured table.

  Seconds time() const { return launch + compute + memory; }
  WorkCost& operator+=(const WorkCost& other) {
    launch += other.launch;
    compute += other.compute;
    memory += other.memory;
    launch_energy += other.launch_energy;
    compute_energy += other.compute_energy;
    memory_energy += other.memory_energy;
    measured += other.measured;
    return *this;
  }
};

// The cost of the same work `times` times.
WorkCost repeated(const WorkCost& cost, double times);

// Sum over the kernels. `eager`: launched outside a CUDA graph. Launches cost `launch_factor` times
// as much.
WorkCost work_cost(std::span<const Kernel> kernels, const DeviceModel& device, bool eager,
                   double launch_factor = 1);

// The same for eager launches that queue up. The host runs ahead of the device within these
// kernels, so that its launch time counts only where it exceeds their time, but is never below that
// of a graph:
//   launch = max(launch in a graph, eager launch - kernels)
WorkCost queued_work_cost(std::span<const Kernel> kernels, const DeviceModel& device,
                          double launch_factor = 1);

// Adds the work to the ledger of a device.
void charge(const WorkCost& cost, DeviceLedger& ledger);

}  // namespace moesim
