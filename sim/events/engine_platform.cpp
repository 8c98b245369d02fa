#include "sim/events/engine_platform.h"

#include <algorithm>
#include <cmath>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <stdexcept>

namespace moesim {

namespace routing = simgrid::kernel::routing;

// A zone whose only route is that of the flow that is being started.
class FlowZone : public routing::NetZoneImpl {
 public:
  explicit FlowZone(const std::string& name) : NetZoneImpl(name) {}

  void set_route(std::vector<simgrid::s4u::Link*> links) { route_ = std::move(links); }

  // The latency stays 0, because SimGrid's lazy solver oversubscribes links with a latency.
  void get_local_route(const routing::NetPoint* /*from*/, const routing::NetPoint* /*to*/,
                       routing::Route* into, double* /*latency*/) override {
    for (const simgrid::s4u::Link* link : route_) into->link_list_.push_back(link->get_impl());
  }

 private:
  void do_seal() override {}

  std::vector<simgrid::s4u::Link*> route_;
};

// SimGrid seals the first zone and all zones below it when it starts, and a sealed zone accepts no
// links. The second zone is outside of it and stays open; both share the network model.
EnginePlatform::EnginePlatform(const Topology& topology) : topology_(topology) {
  for (const Port& port : topology.ports()) {
    const double bandwidth = port.bandwidth.value();
    if (!(bandwidth > 0) || !std::isfinite(bandwidth)) {
      throw std::invalid_argument("port \"" + port.name + "\" has no finite bandwidth");
    }
  }
  flow_zone_ = new FlowZone("flows");
  sender_ = flow_zone_->get_iface()->create_host("sender", 1.0);
  receiver_ = flow_zone_->get_iface()->create_host("receiver", 1.0);
  flow_zone_->get_iface()->seal();
  link_zone_ = new FlowZone("links");
  link_zone_->set_network_model(flow_zone_->get_network_model());
  links_.assign(topology.ports().size(), nullptr);
  flows_.assign(links_.size(), 0);
  busy_slot_.assign(links_.size(), 0);
}

// SimGrid has no link without bandwidth, so a port that is down carries a trickle.
double EnginePlatform::bandwidth(std::int32_t port) const {
  constexpr double kTrickle = 1;  // Byte a second.
  const double whole = topology_.ports()[port].bandwidth.value();
  const auto found = shares_.find(port);
  return found == shares_.end() ? whole : std::max(whole * found->second, kTrickle);
}

void EnginePlatform::set_port_speed(std::int32_t port, double share) {
  if (share < 1) {
    shares_[port] = share;
  } else {
    shares_.erase(port);
  }
  if (links_[port] != nullptr) links_[port]->set_bandwidth(bandwidth(port));
}

void EnginePlatform::restore_ports() {
  while (!shares_.empty()) set_port_speed(shares_.begin()->first, 1);
}

simgrid::s4u::Link* EnginePlatform::link(std::int32_t port) {
  simgrid::s4u::Link*& link = links_[port];
  if (link == nullptr) {
    link = link_zone_->get_iface()
               ->create_link("port " + std::to_string(port), bandwidth(port))
               ->set_latency(0.0)
               ->seal();
  }
  return link;
}

simgrid::s4u::CommPtr EnginePlatform::start_flow(std::int64_t from, std::int64_t to, double bytes) {
  std::vector<simgrid::s4u::Link*> route;
  const std::vector<std::int32_t> ports = topology_.route(from, to);
  for (const std::int32_t port : ports) {
    route.push_back(link(port));
    if (flows_[port]++ == 0) {
      busy_slot_[port] = static_cast<std::int32_t>(busy_.size());
      busy_.push_back(port);
    }
  }
  flow_zone_->set_route(std::move(route));
  simgrid::s4u::CommPtr flow = simgrid::s4u::Comm::sendto_init(sender_, receiver_);
  flow->set_payload_size(
      static_cast<std::uint64_t>(std::ceil(bytes)));  // SimGrid takes whole bytes.
  start_at_whole_speed(*flow, ports);
  return flow;
}

// SimGrid limits a flow for its whole life to the bandwidth that its links have when it starts.
void EnginePlatform::start_at_whole_speed(simgrid::s4u::Comm& flow,
                                          const std::vector<std::int32_t>& ports) {
  const auto set_all = [&](bool whole) {
    for (const std::int32_t port : ports) {
      if (!shares_.contains(port)) continue;
      links_[port]->set_bandwidth(whole ? topology_.ports()[port].bandwidth.value()
                                        : bandwidth(port));
    }
  };
  if (!shares_.empty()) set_all(true);
  flow.start();
  if (!shares_.empty()) set_all(false);
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
