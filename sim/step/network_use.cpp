#include "sim/step/network_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace moesim {

namespace {

constexpr std::size_t kMostSamples = 16;
// Above it, the routes of all pairs of ranks take longer than they are worth.
constexpr std::size_t kMostRoutedRanks = 128;

using Ports = NetworkTally::Ports;

Seconds time_of(const Deployment& deployment, StepModel& model, const StepSamples& samples,
                const LinkSpeeds& speeds = {}) {
  Seconds sum;
  StageCost cost;
  for (std::int64_t s = 0; s < deployment.plan.pp; ++s) {
    Stage stage = make_stage(deployment, 0, s);
    if (!speeds.empty()) {
      stage.collectives = StageCollectives(deployment, stage.first_device, speeds);
    }
    for (const std::vector<RankStep>& step : samples.steps()) {
      model.run(stage, step, cost);
      sum += cost.time;
    }
  }
  return sum;
}

// Whether ranks of one stage lie on several nodes.
bool crosses_nodes(const Deployment& deployment) {
  const std::int64_t ranks = deployment.plan.stage_ranks();
  const std::int64_t per_node = deployment.cluster.node.devices;
  for (std::int64_t s = 0; s < deployment.plan.pp; ++s) {
    const std::int64_t first = deployment.first_device + s * ranks;
    if (first / per_node != (first + ranks - 1) / per_node) return true;
  }
  return false;
}

// Share of the bytes between nodes that pass a port above the leaves.
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
  std::int64_t device = -1;   // With the fullest port,
  bool receives = false;      // which takes in more than it sends.
};

// How busy the ports of one class were while their devices dispatched.
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

// A share of the time and bandwidth of all ports of a class.
double busy_share(Bytes sent, double ports, BytesPerSecond bandwidth, Seconds horizon) {
  const Bytes most = ports * (bandwidth * horizon);
  return most > Bytes(0) ? sent / most : 0;
}

// What links of all classes have in common; `port` names a port of a device.
template <class Name>
LinkUse link_use(std::string name, std::int64_t ports, BytesPerSecond bandwidth, Bytes sent,
                 Seconds horizon, const PortUse& dispatching, const Name& port) {
  LinkUse link;
  link.name = std::move(name);
  link.ports = ports;
  link.bandwidth = bandwidth;
  link.sent = sent;
  link.busy_share = busy_share(sent, static_cast<double>(ports), bandwidth, horizon);
  link.dispatch_busy_share = dispatching.mean;
  link.fullest_busy_share = dispatching.most;
  if (dispatching.device >= 0) {
    link.fullest = port(dispatching.device);
    link.fullest_receives = dispatching.receives;
  }
  return link;
}

LinkUse scale_up_use(const Deployment& deployment, const NetworkTally& tally,
                     const DeviceModel& device, const Summary& summary) {
  const NodeSpec& node = deployment.cluster.node;
  const PortUse use =
      port_use(tally.dispatch, node.device.link_bandwidth, &Ports::up_out, &Ports::up_in);
  LinkUse link =
      link_use("scale-up", deployment.cluster.num_devices(), node.device.link_bandwidth,
               summary.traffic.scale_up_sent, summary.horizon, use, [&](std::int64_t index) {
                 return fmt::format("scale-up port of node {}, device {}", index / node.devices,
                                    index % node.devices);
               });
  if (link.bandwidth > BytesPerSecond(0)) {
    const Watts busy = device.communication_power(1) - device.communication_power(0);
    link.energy = busy * (link.sent / link.bandwidth);
  }
  return link;
}

LinkUse nic_use(const Deployment& deployment, const NetworkTally& tally, const Summary& summary) {
  const ClusterSpec& cluster = deployment.cluster;
  const NodeSpec& node = cluster.node;
  const BytesPerSecond per_device =
      node.nic_bandwidth * (static_cast<double>(node.nics) / static_cast<double>(node.devices));
  const PortUse use = port_use(tally.dispatch, per_device, &Ports::out_out, &Ports::out_in);
  LinkUse link =
      link_use("NIC", node.nics * cluster.nodes, node.nic_bandwidth, summary.traffic.scale_out_sent,
               summary.horizon, use, [&](std::int64_t device) {
                 return fmt::format("NIC of node {}, rail {}", device / node.devices,
                                    device % node.devices * node.nics / node.devices);
               });
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
  // What passes goes up through one port and down through another.
  link.busy_share =
      busy_share(2.0 * link.sent, static_cast<double>(link.ports), link.bandwidth, summary.horizon);
  link.energy = (fabric.switch_power * static_cast<double>(topology.num_fabric_switches()) +
                 fabric.optic_power * static_cast<double>(topology.num_optic_ends())) *
                summary.horizon;
  return link;
}

}  // namespace

void NetworkTally::add(const StageCost& cost, std::int64_t first_device, bool has_prompts,
                       double elapsed, std::size_t devices) {
  CommunicationTimes& times = has_prompts ? prompt_steps : decode_steps;
  for (std::size_t p = 0; p < times.phases.size(); ++p) {
    times.phases[p] += cost.communication.phases[p] * elapsed;
  }
  for (std::size_t a = 0; a < times.all_reduces.size(); ++a) {
    times.all_reduces[a] += cost.communication.all_reduces[a] * elapsed;
  }
  times.total += cost.communication.total * elapsed;
  const PortLoads& loads = cost.dispatched;
  if (loads.scale_up_out.empty()) return;
  dispatch.resize(devices);
  const Seconds time = cost.communication.dispatching * elapsed;
  for (std::size_t r = 0; r < loads.scale_up_out.size(); ++r) {
    Ports& ports = dispatch[static_cast<std::size_t>(first_device) + r];
    ports.time += time;
    ports.up_out += Bytes(loads.scale_up_out[r] * elapsed);
    ports.up_in += Bytes(loads.scale_up_in[r] * elapsed);
    ports.out_out += Bytes(loads.scale_out_out[r] * elapsed);
    ports.out_in += Bytes(loads.scale_out_in[r] * elapsed);
  }
}

void StepSamples::offer(const std::vector<RankStep>& step) {
  if (offered_++ % stride_ != 0) return;
  steps_.push_back(step);
  if (steps_.size() < kMostSamples) return;
  for (std::size_t i = 0; 2 * i < steps_.size(); ++i) std::swap(steps_[i], steps_[2 * i]);
  steps_.resize((steps_.size() + 1) / 2);
  stride_ *= 2;
}

//   gain = 1 - sum of times with doubled links / sum of times as they are
DoubledLinks doubled_links(const Deployment& deployment, StepModel& model,
                           const StepSamples& samples) {
  DoubledLinks gain;
  if (deployment.plan.stage_ranks() == 1) return gain;
  const Seconds as_is = time_of(deployment, model, samples);
  if (as_is <= Seconds(0)) return gain;
  Deployment up = deployment;
  up.cluster.node.device.link_bandwidth = 2.0 * up.cluster.node.device.link_bandwidth;
  up.cluster.node.device.host_bandwidth = 2.0 * up.cluster.node.device.host_bandwidth;
  gain.scale_up = 1 - time_of(up, model, samples) / as_is;
  if (!crosses_nodes(deployment)) return gain;
  Deployment out = deployment;
  out.cluster.node.nic_bandwidth = 2.0 * out.cluster.node.nic_bandwidth;
  gain.scale_out = 1 - time_of(out, model, samples) / as_is;
  if (!may_block(deployment.cluster.fabric)) return gain;
  LinkSpeeds spine;
  spine.all_fabric = 2;
  gain.spine = 1 - time_of(deployment, model, samples, spine) / as_is;
  return gain;
}

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
