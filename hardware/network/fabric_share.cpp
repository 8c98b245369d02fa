#include "hardware/network/fabric_share.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "hardware/network/topology_layout.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostRoutes = std::int64_t{1} << 20U;

double speed_of(const LinkSpeeds& speeds, std::int32_t port) {
  const auto found = speeds.fabric.find(port);
  return speeds.all_fabric * (found == speeds.fabric.end() ? 1 : found->second);
}

// Rings of a box run over all links between its endpoints, as fast as the slowest of them.
double slowest_between(const std::vector<std::int64_t>& endpoints, const Fabric& fabric,
                       const LinkSpeeds& speeds) {
  std::set<std::int32_t> switches;
  for (const std::int64_t endpoint : endpoints) switches.insert(fabric.switch_of(endpoint));
  double least = speeds.all_fabric;
  for (const auto& [port, speed] : speeds.fabric) {
    const FabricPort& link = fabric.ports()[static_cast<std::size_t>(port)];
    if (!switches.contains(link.from) || !switches.contains(link.to)) continue;
    least = std::min(least, speed_of(speeds, port));
  }
  return least;
}

class PortLoad {
 public:
  PortLoad(const TopologyLayout& layout, const Fabric& fabric, const LinkSpeeds& speeds)
      : layout_(layout), fabric_(fabric), speeds_(speeds), load_(fabric.ports().size()) {}

  // Adds bytes from device to device, on different nodes.
  void add(std::int64_t from, std::int64_t to, double bytes) {
    route_.clear();
    fabric_.append_route(layout_.nic_of(layout_.sender_to(from, to)), layout_.nic_of(to), route_);
    for (const std::int32_t port : route_) load_[static_cast<std::size_t>(port)] += bytes;
  }

  // At which rate the bytes may flow, at most `nic`.
  BytesPerSecond rate(BytesPerSecond nic) const {
    BytesPerSecond least = nic;
    for (std::size_t i = 0; i < load_.size(); ++i) {
      if (load_[i] <= 0) continue;
      const double speed = speed_of(speeds_, static_cast<std::int32_t>(i));
      least = std::min(least, speed * fabric_.ports()[i].bandwidth / load_[i]);
    }
    return least;
  }

 private:
  const TopologyLayout& layout_;
  const Fabric& fabric_;
  const LinkSpeeds& speeds_;
  std::vector<double> load_;  // [port]
  std::vector<std::int32_t> route_;
};

// Members by node, nodes in the order in which they first appear.
std::vector<std::vector<std::int64_t>> by_node(const TopologyLayout& layout,
                                               std::span<const std::int64_t> devices) {
  std::map<std::int64_t, std::size_t> place;  // [node]
  std::vector<std::vector<std::int64_t>> members;
  for (const std::int64_t device : devices) {
    const auto [found, is_new] = place.try_emplace(layout.node_of(device), members.size());
    if (is_new) members.emplace_back();
    members[found->second].push_back(device);
  }
  return members;
}

BytesPerSecond ring_share(const TopologyLayout& layout, const Fabric& fabric,
                          std::span<const std::int64_t> devices, const LinkSpeeds& speeds,
                          BytesPerSecond nic) {
  std::vector<std::int64_t> endpoints;
  for (const std::int64_t device : devices) endpoints.push_back(layout.nic_of(device));
  if (const auto own = fabric.ring_bandwidth(endpoints)) {
    return std::min(nic, slowest_between(endpoints, fabric, speeds) * *own);
  }
  PortLoad load(layout, fabric, speeds);
  const auto nodes = by_node(layout, devices);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const auto& next = nodes[(n + 1) % nodes.size()];
    for (std::size_t i = 0; i < nodes[n].size(); ++i) {
      load.add(nodes[n][i], next[i % next.size()], 1);
    }
  }
  return load.rate(nic);
}

BytesPerSecond spread_share(const TopologyLayout& layout, const Fabric& fabric,
                            std::span<const std::int64_t> devices, const LinkSpeeds& speeds,
                            BytesPerSecond nic) {
  const auto size = static_cast<std::int64_t>(devices.size());
  const std::int64_t shifts = std::min(size - 1, std::max<std::int64_t>(4, kMostRoutes / size));
  std::map<std::int64_t, std::int64_t> members;  // [node]
  for (const std::int64_t device : devices) ++members[layout.node_of(device)];
  PortLoad load(layout, fabric, speeds);
  // Of the sampled shifts, each stands for (size - 1) / shifts.
  const double weight = static_cast<double>(size - 1) / static_cast<double>(shifts);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t from = devices[static_cast<std::size_t>(i)];
    const std::int64_t others = size - members[layout.node_of(from)];
    for (std::int64_t s = 0; s < shifts; ++s) {
      const std::int64_t shift = 1 + s * (size - 1) / shifts;
      const std::int64_t to = devices[static_cast<std::size_t>((i + shift) % size)];
      if (layout.node_of(to) == layout.node_of(from)) continue;
      load.add(from, to, weight / static_cast<double>(others));
    }
  }
  return load.rate(nic);
}

}  // namespace

bool may_block(const FabricSpec& fabric) {
  if (fabric.kind == FabricKind::kNone) return false;
  const bool is_tree =
      fabric.kind == FabricKind::kRailFatTree || fabric.kind == FabricKind::kFatTree;
  return !is_tree || fabric.routing == FabricRouting::kEcmp || fabric.oversubscription > 1 ||
         fabric.core_oversubscription > 1;
}

FabricShare fabric_share(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
                         const LinkSpeeds& speeds) {
  const NodeSpec& node = cluster.node;
  const double nics = static_cast<double>(node.nics) / static_cast<double>(node.devices);
  const BytesPerSecond nic = nics * node.nic_bandwidth;
  FabricShare share{nic, nic, nic};
  if (cluster.nodes == 1 || devices.size() < 2 || cluster.fabric.kind == FabricKind::kNone) {
    return share;
  }
  if (!may_block(cluster.fabric) && speeds.fabric.empty() && speeds.all_fabric >= 1) return share;
  const TopologyLayout layout = lay_out(cluster);
  const std::unique_ptr<Fabric> fabric = make_fabric(cluster);
  share.ring = ring_share(layout, *fabric, devices, speeds, nic);
  share.spread = spread_share(layout, *fabric, devices, speeds, nic);
  return share;
}

}  // namespace moesim
