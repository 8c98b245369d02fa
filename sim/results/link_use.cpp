#include "sim/results/link_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace moesim {

namespace {

// Above it, finding the routes of all pairs of ranks would take too long.
constexpr std::size_t kMostRoutedRanks = 128;

using Ports = NetworkTally::Ports;

// Share of the bytes between nodes that pass a link between switches.
std::optional<double> spine_share(const Topology& topology, std::int64_t first_device,
                                  const std::vector<std::vector<double>>& dispatch_bytes) {
  if (dispatch_bytes.empty() || dispatch_bytes.size() > kMostRoutedRanks) return std::nullopt;
  double between = 0, above = 0;
  const auto ranks = static_cast<std::int64_t>(dispatch_bytes.size());
  for (std::int64_t from = 0; from < ranks; ++from) {
    for (std::int64_t to = 0; to < ranks; ++to) {
      const double bytes = dispatch_bytes[from][to];
      if (bytes <= 0 || topology.same_node(first_device + from, first_device + to)) continue;
      between += bytes;
      const auto route = topology.route(first_device + from, first_device + to);
      const bool passes = std::any_of(route.begin(), route.end(), [&](std::int32_t port) {
        return topology.ports()[port].port_class == PortClass::kFabric;
      });
      if (passes) above += bytes;
    }
  }
  if (between <= 0) return std::nullopt;
  return above / between;
}

// Bytes of the busier direction.
Bytes busier(Bytes sent, Bytes received) {
  return std::max(sent, received);
}

struct PortUse {
  double mean = 0, most = 0;  // Busy share.
  std::int64_t device = -1;   // The device of the fullest port.
  bool receives = false;      // Whether that port receives more than it sends.
};

// Busy share of the ports of one class while their devices dispatch tokens.
PortUse port_use(const std::vector<Ports>& devices, BytesPerSecond bandwidth, Bytes Ports::*sent,
                 Bytes Ports::*received) {
  PortUse use;
  double active = 0;
  if (bandwidth.value() <= 0) return use;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const Ports& ports = devices[d];
    if (ports.time <= Seconds(0)) continue;
    const double share = busier(ports.*sent, ports.*received) / bandwidth / ports.time;
    use.mean += share;
    ++active;
    if (share <= use.most) continue;
    use.most = share;
    use.device = static_cast<std::int64_t>(d);
    use.receives = ports.*received > ports.*sent;
  }
  if (active > 0) use.mean /= active;
  return use;
}

// Bytes as a share of the bandwidth of all ports of a class times the horizon.
double busy_share(Bytes sent, double ports, BytesPerSecond bandwidth, Seconds horizon) {
  const Bytes most = ports * (bandwidth * horizon);
  return most > Bytes(0) ? sent / most : 0;
}

// Completes a class of links whose ports, bandwidth and bytes are known; `port_name` names a port
// of a device.
template <class Name>
void add_use(const PortUse& dispatching, Seconds horizon, const Name& port_name, LinkUse& link) {
  link.busy_share = busy_share(link.sent, static_cast<double>(link.ports), link.bandwidth, horizon);
  link.dispatch_busy_share = dispatching.mean;
  link.fullest_busy_share = dispatching.most;
  if (dispatching.device < 0) return;
  link.fullest = port_name(dispatching.device);
  link.fullest_receives = dispatching.receives;
}

LinkUse scale_up_use(const Deployment& deployment, const NetworkTally& tally,
                     const DeviceModel& device, const Summary& summary) {
  const NodeSpec& node = deployment.cluster.node;
  LinkUse link;
  link.name = "scale-up";
  link.ports = deployment.cluster.num_devices();
  link.bandwidth = node.device.link_bandwidth;
  link.sent = summary.traffic.scale_up_sent;
  const PortUse use = port_use(tally.dispatch, link.bandwidth, &Ports::up_out, &Ports::up_in);
  const auto port_name = [&](std::int64_t index) {
    return fmt::format("scale-up port of node {}, device {}", index / node.devices,
                       index % node.devices);
  };
  add_use(use, summary.horizon, port_name, link);
  if (link.bandwidth > BytesPerSecond(0)) {
    const Watts busy = device.communication_power(1) - device.communication_power(0);
    link.energy = busy * (link.sent / link.bandwidth);
  }
  return link;
}

LinkUse nic_use(const Deployment& deployment, const NetworkTally& tally, const Summary& summary) {
  const ClusterSpec& cluster = deployment.cluster;
  const NodeSpec& node = cluster.node;
  LinkUse link;
  link.name = "NIC";
  link.ports = node.nics * cluster.nodes;
  link.bandwidth = node.nic_bandwidth;
  link.sent = summary.traffic.scale_out_sent;
  const BytesPerSecond per_device =
      node.nic_bandwidth * (static_cast<double>(node.nics) / static_cast<double>(node.devices));
  const PortUse use = port_use(tally.dispatch, per_device, &Ports::out_out, &Ports::out_in);
  const auto port_name = [&](std::int64_t device) {
    return fmt::format("NIC of node {}, rail {}", device / node.devices,
                       device % node.devices * node.nics / node.devices);
  };
  add_use(use, summary.horizon, port_name, link);
  link.energy = node.nic_power * static_cast<double>(link.ports) * summary.horizon;
  return link;
}

LinkUse spine_use(const Deployment& deployment, const Topology& topology, const Summary& summary) {
  const FabricSpec& fabric = deployment.cluster.fabric;
  LinkUse link;
  link.name = "spine";
  BytesPerSecond all;
  for (const Port& port : topology.ports()) {
    if (port.port_class != PortClass::kFabric) continue;
    ++link.ports;
    all += port.bandwidth;
  }
  if (link.ports > 0) link.bandwidth = all / static_cast<double>(link.ports);
  const auto share = spine_share(topology, deployment.first_device, summary.routing.dispatch_bytes);
  link.sent_known = share.has_value();
  if (share) link.sent = summary.traffic.scale_out_sent * *share;
  // Each byte goes up through one port and down through another.
  link.busy_share =
      busy_share(2.0 * link.sent, static_cast<double>(link.ports), link.bandwidth, summary.horizon);
  link.energy = (fabric.switch_power * static_cast<double>(topology.num_fabric_switches()) +
                 fabric.optic_power * static_cast<double>(topology.num_optic_ends())) *
                summary.horizon;
  return link;
}

}  // namespace

NetworkSummary summarize_network(const Deployment& deployment, const Topology& topology,
                                 const NetworkTally& tally,
                                 const std::optional<DoubledLinks>& doubled,
                                 const DeviceModel& device, const Summary& summary) {
  NetworkSummary network;
  network.prompt_steps = tally.prompt_steps;
  network.decode_steps = tally.decode_steps;
  if (deployment.total_ranks() > 1) {
    network.links.push_back(scale_up_use(deployment, tally, device, summary));
    if (doubled) network.links.back().doubled_gain = doubled->scale_up;
  }
  if (deployment.cluster.nodes > 1) {
    network.links.push_back(nic_use(deployment, tally, summary));
    if (doubled) network.links.back().doubled_gain = doubled->scale_out;
    network.links.push_back(spine_use(deployment, topology, summary));
    LinkUse& spine = network.links.back();
    if (doubled && spine.ports > 0) spine.doubled_gain = doubled->spine;
  }
  return network;
}

}  // namespace moesim
