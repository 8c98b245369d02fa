#include "sim/network/comm_group.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "hardware/network/topology_layout.h"

namespace moesim {

namespace {

// Whether members of one node are in different scale-up domains.
bool crosses_domains(const ClusterSpec& cluster, std::span<const std::int64_t> devices) {
  const std::int64_t per_node = cluster.node.devices;
  const std::int64_t domain =
      std::clamp<std::int64_t>(cluster.node.device.link_domain, 1, per_node);
  std::map<std::int64_t, std::int64_t> domain_of;  // [node]
  for (const std::int64_t device : devices) {
    const std::int64_t mine = device % per_node / domain;
    if (domain_of.try_emplace(device / per_node, mine).first->second != mine) return true;
  }
  return false;
}

// Port bandwidth between the members of one node.
BytesPerSecond scale_up_of(const ClusterSpec& cluster, bool crosses, std::int64_t per_node) {
  const DeviceSpec& device = cluster.node.device;
  if (crosses) {
    if (device.link_bandwidth.value() <= 0) return device.host_bandwidth;
    return std::min(device.link_bandwidth, device.host_bandwidth);
  }
  if (device.link_technology.wiring != LinkWiring::kMesh || per_node <= 1) {
    return device.link_bandwidth;
  }
  const std::int64_t mesh = std::clamp(device.link_domain, per_node, cluster.node.wired_devices());
  return device.link_bandwidth *
         (static_cast<double>(per_node - 1) / static_cast<double>(mesh - 1));
}

double speed_of(const std::map<std::int64_t, double>& speeds, std::int64_t part) {
  const auto found = speeds.find(part);
  return found == speeds.end() ? 1 : found->second;
}

// The bandwidth of the slowest member; `lead` gets the multiples of it that the others have.
BytesPerSecond slowest_of(BytesPerSecond whole, std::vector<double> shares,
                          std::vector<double>& lead) {
  const double least = *std::min_element(shares.begin(), shares.end());
  if (least >= 1) return whole;
  for (double& share : shares) share /= least;
  lead = std::move(shares);
  return whole * least;
}

void slow_down(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
               const LinkSpeeds& speeds, CommGroup& group) {
  const TopologyLayout layout = lay_out(cluster);
  std::vector<double> up, out;
  for (const std::int64_t device : devices) {
    up.push_back(speed_of(speeds.scale_up, device));
    if (group.nodes > 1) out.push_back(speed_of(speeds.nics, layout.nic_of(device)));
  }
  group.scale_up = slowest_of(group.scale_up, std::move(up), group.up_lead);
  if (group.nodes > 1)
    group.scale_out = slowest_of(group.scale_out, std::move(out), group.out_lead);
}

}  // namespace

CommGroup make_group(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
                     const LinkSpeeds& speeds) {
  const NodeSpec& node = cluster.node;
  std::map<std::int64_t, std::int64_t> members;  // [node]
  for (const std::int64_t device : devices) ++members[device / node.devices];
  CommGroup group;
  group.size = static_cast<std::int64_t>(devices.size());
  group.nodes = std::max<std::int64_t>(1, static_cast<std::int64_t>(members.size()));
  for (const auto& [index, count] : members) group.per_node = std::max(group.per_node, count);
  group.up = node.device.link_technology;
  group.out = node.nic_technology;
  const bool crosses = crosses_domains(cluster, devices);
  if (crosses) group.up.in_switch_reduction = false;
  group.scale_up = scale_up_of(cluster, crosses, group.per_node);
  if (group.nodes > 1) {
    group.fabric = fabric_share(cluster, devices, speeds);
    group.scale_out = group.fabric.nic;
  }
  if ((group.per_node > 1 && group.scale_up.value() <= 0) ||
      (group.nodes > 1 && group.scale_out.value() <= 0)) {
    throw std::invalid_argument("no link joins the members of a group");
  }
  if (!speeds.empty() && !devices.empty()) slow_down(cluster, devices, speeds, group);
  return group;
}

}  // namespace moesim
