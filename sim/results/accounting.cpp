#include "sim/results/accounting.h"

#include <algorithm>

namespace moesim {

namespace {

Joules host_energy(const Deployment& deployment, Seconds horizon,
                   const std::vector<DeviceLedger>& devices) {
  const NodeSpec& node = deployment.cluster.node;
  Seconds busy;  // Sum over all devices; each node counts the mean of its devices.
  for (const DeviceLedger& device : devices)
    busy += device.total_time() - device.time[Activity::kIdle];
  const double nodes = static_cast<double>(deployment.cluster.nodes);
  const double per_node = static_cast<double>(node.devices);
  return node.host_idle * horizon * nodes + (node.host_busy - node.host_idle) * busy / per_node;
}

Joules network_energy(const Deployment& deployment, const Topology& topology, Seconds horizon) {
  const ClusterSpec& cluster = deployment.cluster;
  const double nics = static_cast<double>(cluster.node.nics * cluster.nodes);
  const double switches = static_cast<double>(topology.num_fabric_switches());
  const double optics = static_cast<double>(topology.num_optic_ends());
  return (cluster.node.nic_power * nics + cluster.fabric.switch_power * switches +
          cluster.fabric.optic_power * optics) *
         horizon;
}

}  // namespace

void close_ledgers(const Deployment& deployment, const DeviceModel& device, Seconds horizon,
                   std::vector<DeviceLedger>& devices) {
  const std::int64_t allocated = deployment.total_ranks();
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const bool used = static_cast<std::int64_t>(d) < allocated;
    const Watts power = used ? device.idle_power() : device.device().idle;
    const Seconds idle = std::max(Seconds(0), horizon - devices[d].total_time());
    devices[d].add(Activity::kIdle, idle, power * idle);
  }
}

EnergyTotals energy_totals(const Deployment& deployment, const Topology& topology, Seconds horizon,
                           const std::vector<DeviceLedger>& devices) {
  EnergyTotals totals;
  for (const DeviceLedger& device : devices) totals.devices += device.total_energy();
  totals.host = host_energy(deployment, horizon, devices);
  totals.network = network_energy(deployment, topology, horizon);
  const Joules drawn = totals.devices + totals.host + totals.network;
  totals.power_supply = drawn * (1 / deployment.cluster.node.psu_efficiency - 1);
  totals.facility = (drawn + totals.power_supply) * (deployment.site.pue - 1);
  return totals;
}

}  // namespace moesim
