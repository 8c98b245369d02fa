#include "sim/engine_platform.h"

#include <algorithm>
#include <cmath>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <stdexcept>

namespace moesim {

namespace {

namespace routing = simgrid::kernel::routing;

// A zone that asks the topology for every route, so that no table of N^2 routes exists. SimGrid
// numbers a zone's hosts in the order of their creation: the number is the device.
class TopologyZone : public routing::NetZoneImpl {
 public:
  TopologyZone(const Topology& topology, const std::vector<simgrid::s4u::Link*>& links)
      : NetZoneImpl("cluster"), topology_(topology), links_(links) {}

  // The latency stays 0: SimGrid's lazy solver oversubscribes links that have one.
  void get_local_route(const routing::NetPoint* from, const routing::NetPoint* to,
                       routing::Route* into, double* /*latency*/) override {
    const auto a = static_cast<std::int64_t>(from->id());
    const auto b = static_cast<std::int64_t>(to->id());
    for (const std::int32_t port : topology_.route(a, b)) {
      into->link_list_.push_back(links_[port]->get_impl());
    }
  }

 private:
  void do_seal() override {}

  const Topology& topology_;
  const std::vector<simgrid::s4u::Link*>& links_;
};

}  // namespace

EnginePlatform::EnginePlatform(const Topology& topology) : topology_(topology) {
  // SimGrid owns the zone until its Engine ends.
  auto* zone = (new TopologyZone(topology, links_))->get_iface();
  const std::vector<Port>& ports = topology.ports();
  hosts_.reserve(static_cast<std::size_t>(topology.num_devices()));
  for (std::int64_t i = 0; i < topology.num_devices(); ++i) {
    hosts_.push_back(zone->create_host("device " + std::to_string(i), 1.0));
  }
  links_.reserve(ports.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const double bandwidth = ports[i].bandwidth.value();
    if (!(bandwidth > 0) || !std::isfinite(bandwidth)) {
      throw std::invalid_argument("port \"" + ports[i].name + "\" has no finite bandwidth");
    }
    links_.push_back(zone->create_link("port " + std::to_string(i), bandwidth)->set_latency(0.0));
  }
  zone->seal();
  flows_.assign(ports.size(), 0);
  busy_slot_.assign(ports.size(), 0);
}

simgrid::s4u::CommPtr EnginePlatform::make_flow(std::int64_t from, std::int64_t to,
                                                double bytes) const {
  // SimGrid counts whole bytes.
  const auto payload = static_cast<std::uint64_t>(std::ceil(bytes));
  simgrid::s4u::CommPtr flow = simgrid::s4u::Comm::sendto_init(hosts_[from], hosts_[to]);
  flow->set_payload_size(payload);
  return flow;
}

void EnginePlatform::begin_flow(std::int64_t from, std::int64_t to) {
  for (const std::int32_t port : topology_.route(from, to)) {
    if (flows_[port]++ == 0) {
      busy_slot_[port] = static_cast<std::int32_t>(busy_.size());
      busy_.push_back(port);
    }
  }
}

void EnginePlatform::end_flow(std::int64_t from, std::int64_t to) {
  for (const std::int32_t port : topology_.route(from, to)) {
    if (--flows_[port] == 0) {
      const std::int32_t last = busy_.back();
      busy_[busy_slot_[port]] = last;
      busy_slot_[last] = busy_slot_[port];
      busy_.pop_back();
    }
  }
}

double EnginePlatform::port_share() const {
  double share = 0;
  for (const std::int32_t port : busy_) {
    share = std::max(share, links_[port]->get_usage() / links_[port]->get_bandwidth());
  }
  return share;
}

}  // namespace moesim
