#include "hardware/network/cluster_check.h"

#include <fmt/format.h>

#include <stdexcept>

#include "hardware/network/topology_fabric.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostDevices = 1 << 20;

std::vector<ClusterFault> node_faults(const ClusterSpec& cluster) {
  const NodeSpec& node = cluster.node;
  const LinkWiring wiring = node.device.link_technology.wiring;
  const auto fault = [&node](const std::string& allowed) {
    return std::vector<ClusterFault>{{"node", node.name, allowed}};
  };
  if (cluster.nodes < 1 || node.devices < 1) {
    return fault("a cluster needs at least one node with one device");
  }
  if (node.devices > 1 && wiring == LinkWiring::kTorus) {
    return fault("nodes of one device: a torus joins nodes, as a fabric");
  }
  if (node.devices > kMostMeshDevices && wiring == LinkWiring::kMesh) {
    return fault("a full mesh joins at most 64 devices");
  }
  if (cluster.nodes > kMostDevices / node.devices) {
    return {{"nodes", std::to_string(cluster.nodes),
             fmt::format("at most {} devices can be wired", kMostDevices)}};
  }
  if (cluster.nodes > 1 && node.nics < 1) {
    return fault("it has no NICs; only a single node can be built of it");
  }
  if (cluster.nodes > 1 && node.devices % node.nics != 0 && node.nics % node.devices != 0) {
    return fault("NICs and devices of a node must divide each other");
  }
  if (cluster.nodes > 1 && !(node.nic_bandwidth.value() > 0)) {
    return fault("its NICs have no bandwidth");
  }
  return {};
}

// A routing that the kind of fabric has.
std::vector<ClusterFault> routing_faults(const FabricSpec& fabric) {
  const bool is_tree =
      fabric.kind == FabricKind::kRailFatTree || fabric.kind == FabricKind::kFatTree;
  const bool of_trees =
      fabric.routing == FabricRouting::kSpread || fabric.routing == FabricRouting::kEcmp;
  if (is_tree == of_trees) return {};
  const char* allowed = is_tree ? "spread or ecmp: a fat tree has no detours to choose from"
                                : "minimal or valiant: a dragonfly or torus has no up-links";
  return {{"routing", word_of(fabric.routing), allowed}};
}

}  // namespace

std::vector<ClusterFault> cluster_faults(const ClusterSpec& cluster) {
  std::vector<ClusterFault> faults = node_faults(cluster);
  if (!faults.empty() || cluster.nodes == 1) return faults;
  const FabricSpec& fabric = cluster.fabric;
  if (fabric.kind == FabricKind::kNone) {
    return {{"fabric", fabric.name, "several nodes need a fabric, e.g. rail-fat-tree"}};
  }
  faults = routing_faults(fabric);
  if (!faults.empty()) return faults;
  const FabricEnds ends = fabric_ends(cluster);
  if (fabric.kind == FabricKind::kDragonfly) return dragonfly_faults(ends, fabric);
  if (fabric.kind == FabricKind::kTorus) return torus_faults(ends, fabric);
  return fat_tree_faults(ends, fabric);
}

void check_cluster(const ClusterSpec& cluster) {
  const std::vector<ClusterFault> faults = cluster_faults(cluster);
  if (faults.empty()) return;
  const ClusterFault& first = faults.front();
  throw std::invalid_argument(first.path + ": " + first.value + ": " + first.allowed);
}

}  // namespace moesim
