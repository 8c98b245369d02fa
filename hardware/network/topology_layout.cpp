#include "hardware/network/topology_layout.h"

#include <algorithm>
#include <stdexcept>

namespace moesim {

TopologyLayout lay_out(const ClusterSpec& cluster) {
  check_cluster(cluster);
  const DeviceSpec& device = cluster.node.device;
  const LinkWiring wiring = device.link_technology.wiring;
  TopologyLayout out;
  out.nodes = cluster.nodes;
  out.per_node = cluster.node.devices;
  out.devices = cluster.num_devices();
  out.domain = std::clamp<std::int64_t>(device.link_domain, 1, out.per_node);
  out.has_scale_up = out.domain > 1 && wiring != LinkWiring::kTree;
  out.has_mesh = out.has_scale_up && wiring == LinkWiring::kMesh;
  out.has_host_ports =
      wiring == LinkWiring::kTree || (out.per_node > 1 && out.domain < out.per_node);
  out.has_network = out.nodes > 1;
  if (out.has_network) {
    out.ends = fabric_ends(cluster);
    out.devices_per_rail = out.per_node / out.ends.rails;
  }
  out.has_pxn = out.has_scale_up && out.domain == out.per_node &&
                cluster.fabric.kind == FabricKind::kRailFatTree;
  return out;
}

}  // namespace moesim
