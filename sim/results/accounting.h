// Energy at the end of a run: idle time of every device, and the energy of hosts, network, power
// supplies and facility. Money begins in reports/results/accounting.h.
#pragma once

#include <vector>

#include "hardware/kernels/kernel.h"
#include "hardware/network/topology.h"
#include "sim/deployment/deployment.h"
#include "sim/results/summary.h"

namespace moesim {

// Adds idle time up to the horizon, so that the activities of each device add up to it. Devices of
// the deployment idle with a resident process, the others without.
void close_ledgers(const Deployment& deployment, const DeviceModel& device, Seconds horizon,
                   std::vector<DeviceLedger>& devices);

// Energy of the whole cluster over the horizon. All devices, NICs and hosts of its nodes count,
// used or not.
//   host         = sum over nodes of (idle + (busy - idle) mean busy share of its devices) horizon
//   network      = (NICs + fabric switches + optics) horizon
//   power_supply = (devices + host + network) (1/efficiency - 1)
//   facility     = (devices + host + network + power_supply) (PUE - 1)
// Source: docs/physics.md, "Energy and carbon".
EnergyTotals energy_totals(const Deployment& deployment, const Topology& topology, Seconds horizon,
                           const std::vector<DeviceLedger>& devices);

}  // namespace moesim
