#include "sim/serving/fault_driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "hardware/network/topology_layout.h"

namespace moesim {

namespace {

DeviceSpan devices_of(const Deployment& deployment, std::int64_t replica) {
  const std::int64_t ranks = deployment.plan.replica_ranks();
  return {deployment.first_device + replica * ranks, ranks};
}

double speed_now(const Slowdown& slowdown, const Conditions& conditions) {
  for (const DownLink& link : conditions.down) {
    if (link.part == slowdown.part && link.devices.first == slowdown.devices.first) return 0;
  }
  const auto& speeds =
      slowdown.part == FaultPart::kNic ? conditions.links.nics : conditions.links.scale_up;
  const auto found = speeds.find(slowdown.index);
  return found == speeds.end() ? 1 : found->second;
}

}  // namespace

FaultDriver::FaultDriver(const FaultSpec& faults, Engine& engine, std::vector<PoolReplicas> pools,
                         Hooks hooks)
    : faults_(faults), engine_(engine), pools_(std::move(pools)), hooks_(std::move(hooks)) {}

void FaultDriver::start() {
  for (const Slowdown& slowdown : faults_.slowdowns) {
    engine_.at(slowdown.from, [this, &slowdown] { change(slowdown); });
    if (!std::isfinite(slowdown.until.value())) continue;
    engine_.at(slowdown.until, [this, &slowdown] { change(slowdown); });
  }
  for (const Failure& failure : faults_.failures) {
    engine_.at(failure.at, [this, &failure] { fail(failure); });
  }
}

// Called when a slowdown begins or ends.
void FaultDriver::change(const Slowdown& slowdown) {
  const Conditions conditions = conditions_at(faults_, engine_.now());
  if (slowdown.part == FaultPart::kFabric) {
    change_fabric(slowdown, conditions);
  } else if (slowdown.part != FaultPart::kDevice) {
    const double speed = speed_now(slowdown, conditions);
    for (const std::int32_t port : ports_of(slowdown)) engine_.set_port_speed(port, speed);
  }
  for (PoolReplicas& pool : pools_) {
    for (std::size_t r = 0; r < pool.replicas.size(); ++r) {
      const DeviceSpan devices = devices_of(pool.deployment, static_cast<std::int64_t>(r));
      if (slowdown.devices.overlaps(devices)) pool.replicas[r].apply(conditions);
    }
  }
}

// The ports of the fabric are the last of the topology.
void FaultDriver::change_fabric(const Slowdown& slowdown, const Conditions& conditions) {
  const std::vector<Port>& ports = engine_.topology().ports();
  const auto first =
      std::find_if(ports.begin(), ports.end(),
                   [](const Port& port) { return port.port_class == PortClass::kFabric; }) -
      ports.begin();
  for (const auto& [port, share] : slowdown.fabric.ports) {
    const auto found = conditions.links.fabric.find(port);
    double speed = found == conditions.links.fabric.end() ? 1 : found->second;
    for (const DownLink& link : conditions.down) {
      if (std::binary_search(link.ports.begin(), link.ports.end(), port)) speed = 0;
    }
    engine_.set_port_speed(static_cast<std::int32_t>(first) + port, speed);
  }
}

// Ports by the names that Topology gives them.
std::vector<std::int32_t> FaultDriver::ports_of(const Slowdown& slowdown) const {
  const ClusterSpec& cluster = pools_.front().deployment.cluster;
  const std::int64_t first = slowdown.devices.first;
  const std::int64_t node = first / cluster.node.devices;
  const std::int64_t gpu = first % cluster.node.devices;
  std::string own = fmt::format("node {} gpu {} ", node, gpu);
  std::string peer = fmt::format(" to gpu {}", gpu);  // Links of a mesh end at the peer.
  if (slowdown.part == FaultPart::kNic) {
    const std::int64_t rails = lay_out(cluster).ends.rails;
    own = fmt::format("node {} nic {} ", node, slowdown.index % rails);
    peer.clear();
  }
  const std::string same_node = fmt::format("node {} gpu ", node);
  std::vector<std::int32_t> found;
  const std::vector<Port>& ports = engine_.topology().ports();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string& name = ports[i].name;
    const bool reaches = !peer.empty() && name.ends_with(peer) && name.starts_with(same_node);
    if (name.starts_with(own) || reaches) found.push_back(static_cast<std::int32_t>(i));
  }
  return found;
}

void FaultDriver::fail(const Failure& failure) {
  std::optional<Seconds> restored_at;
  if (failure.restart) restored_at = engine_.now() + failure.detection + *failure.restart;
  std::vector<Replica*> failed;
  for (std::size_t p = 0; p < pools_.size(); ++p) {
    for (std::size_t r = 0; r < pools_[p].replicas.size(); ++r) {
      const auto number = static_cast<std::int64_t>(r);
      if (!failure.devices.overlaps(devices_of(pools_[p].deployment, number))) continue;
      fail(p, number, restored_at);
      failed.push_back(&pools_[p].replicas[r]);
    }
  }
  engine_.after(failure.detection, [this, failed] { detect(failed); });
}

void FaultDriver::give_up(std::size_t pool, std::int64_t replica, const DownLink& link) {
  fail(pool, replica, std::max(engine_.now() + link.restart, link.until));
  detect({&pools_[pool].replicas[static_cast<std::size_t>(replica)]});
}

// A replica that is down already is restored when all its devices are.
void FaultDriver::fail(std::size_t pool, std::int64_t number, std::optional<Seconds> restored_at) {
  Replica& replica = pools_[pool].replicas[static_cast<std::size_t>(number)];
  if (replica.state() == Replica::State::kServing) {
    hooks_.failed(pool, number);
    replica.fail(restored_at);
  } else {
    replica.postpone(restored_at);
  }
  if (restored_at) engine_.at(*restored_at, [this, &replica] { restore(replica); });
}

void FaultDriver::detect(const std::vector<Replica*>& replicas) {
  std::vector<Interrupted> lost, waiting;
  for (Replica* replica : replicas) {
    if (replica->state() == Replica::State::kServing) continue;
    auto& requests = replica->state() == Replica::State::kUndetected ? lost : waiting;
    const std::vector<Interrupted> here = replica->drain();
    requests.insert(requests.end(), here.begin(), here.end());
  }
  hooks_.detected(lost, waiting);
}

void FaultDriver::restore(Replica& replica) {
  const bool is_due = replica.restored_at() && *replica.restored_at() <= engine_.now();
  if (replica.state() != Replica::State::kDown || !is_due) return;
  replica.restore();
  hooks_.restored();
}

}  // namespace moesim
