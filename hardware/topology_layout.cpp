#include "hardware/topology_layout.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "hardware/profiles.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostDevices = 1 << 20;

// Leaves: everything on one switch if it fits; else as many down ports as the oversubscription
// leaves.
//   down = floor(ports * oversubscription / (1 + oversubscription))
void lay_out_fabric(const ClusterSpec& cluster, TopologyLayout& out) {
  const NodeSpec& node = cluster.node;
  const FabricSpec& fabric = cluster.fabric;
  out.rails = std::min(node.nics, node.devices);
  out.devices_per_rail = node.devices / out.rails;
  const std::int64_t nics_per_rail = node.nics / out.rails;
  out.nic_bandwidth = static_cast<double>(nics_per_rail) * node.nic_bandwidth;
  if (fabric.port_bandwidth.value() > 0) {
    const double ports = std::ceil(node.nic_bandwidth / fabric.port_bandwidth);
    out.cables_per_nic = nics_per_rail * static_cast<std::int64_t>(ports);
  }
  const std::int64_t endpoints = out.nodes * out.rails;
  if (endpoints * out.cables_per_nic <= fabric.switch_ports) {
    out.leaves = 1;
    out.endpoints_per_leaf = endpoints;
    return;
  }
  const double share = fabric.oversubscription / (1 + fabric.oversubscription);
  const auto down = static_cast<std::int64_t>(static_cast<double>(fabric.switch_ports) * share);
  out.endpoints_per_leaf = std::max<std::int64_t>(1, down / out.cables_per_nic);
  out.leaf_per_rail = fabric.kind == FabricKind::kRailFatTree;
  out.leaves = out.leaf_per_rail ? out.rails * ceil_div(out.nodes, out.endpoints_per_leaf)
                                 : ceil_div(endpoints, out.endpoints_per_leaf);
}

}  // namespace

TopologyLayout lay_out(const ClusterSpec& cluster) {
  check_cluster(cluster);
  const DeviceSpec& device = cluster.node.device;
  const LinkWiring wiring = device.link_technology.wiring;
  TopologyLayout out;
  out.nodes = cluster.nodes;
  out.per_node = cluster.node.devices;
  if (out.nodes > kMostDevices / out.per_node) {
    throw std::invalid_argument("at most 1048576 devices can be wired");
  }
  out.devices = cluster.num_devices();
  out.domain = std::clamp<std::int64_t>(device.link_domain, 1, out.per_node);
  out.has_scale_up = out.domain > 1 && wiring != LinkWiring::kTree;
  out.has_mesh = out.has_scale_up && wiring == LinkWiring::kMesh;
  out.has_host_ports =
      wiring == LinkWiring::kTree || (out.per_node > 1 && out.domain < out.per_node);
  out.has_network = out.nodes > 1;
  if (out.has_network) lay_out_fabric(cluster, out);
  out.has_pxn = out.has_scale_up && out.domain == out.per_node &&
                cluster.fabric.kind == FabricKind::kRailFatTree;
  return out;
}

}  // namespace moesim
