#include "hardware/network/topology_fabric.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace moesim {

std::uint64_t flow_hash(std::int64_t from, std::int64_t to) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  auto x = static_cast<std::uint64_t>(from) * kGolden + static_cast<std::uint64_t>(to) + kGolden;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

FabricEnds fabric_ends(const ClusterSpec& cluster) {
  const NodeSpec& node = cluster.node;
  const std::int64_t rails = std::min(node.nics, node.devices);
  const std::int64_t nics = node.nics / rails;
  FabricEnds ends{cluster.nodes, rails, static_cast<double>(nics) * node.nic_bandwidth, nics};
  const BytesPerSecond port = cluster.fabric.port_bandwidth;
  if (port.value() > 0 && cluster.fabric.kind != FabricKind::kTorus) {
    ends.cables *= static_cast<std::int64_t>(std::ceil(node.nic_bandwidth / port));
  }
  return ends;
}

std::unique_ptr<Fabric> make_fabric(const ClusterSpec& cluster) {
  const FabricEnds ends = fabric_ends(cluster);
  switch (cluster.fabric.kind) {
    case FabricKind::kRailFatTree:
    case FabricKind::kFatTree:
      return make_fat_tree(ends, cluster.fabric);
    case FabricKind::kDragonfly:
      return make_dragonfly(ends, cluster.fabric);
    case FabricKind::kTorus:
      return make_torus(ends, cluster.fabric);
    case FabricKind::kNone:
      break;
  }
  throw std::invalid_argument("several nodes need a fabric");
}

}  // namespace moesim
