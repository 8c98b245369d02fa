// The SimGrid side of the Engine: flows along the topology's routes over a link per port. Links are
// made when the first flow crosses them, so that a large cluster costs nothing until it is used.
// Only sim/engine*.cpp may include this header.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

#include "hardware/network/topology.h"

namespace moesim {

class FlowZone;

// The links of one SimGrid simulation, and how full they are.
class EnginePlatform {
 public:
  // Throws: std::invalid_argument for a port without bandwidth.
  explicit EnginePlatform(const Topology& topology);

  // Starts a flow along the topology's route. Requires: from != to, bytes > 0; between SimGrid's
  // steps.
  simgrid::s4u::CommPtr start_flow(std::int64_t from, std::int64_t to, double bytes);
  // Tells that a flow has ended.
  void end_flow(std::int64_t from, std::int64_t to);
  // Shares of their bandwidth that ports carry from now on; see Engine::set_port_speed.
  void set_port_speed(std::int32_t port, double share);
  void restore_ports();
  // Usage over capacity of the fullest port that carries a flow now.
  double port_share() const;

 private:
  simgrid::s4u::Link* link(std::int32_t port);
  double bandwidth(std::int32_t port) const;
  void start_at_whole_speed(simgrid::s4u::Comm& flow, const std::vector<std::int32_t>& ports);

  const Topology& topology_;
  FlowZone* flow_zone_ = nullptr;         // SimGrid owns it, as it does
  FlowZone* link_zone_ = nullptr;         // this one, and
  simgrid::s4u::Host* sender_ = nullptr;  // the two ends of every flow.
  simgrid::s4u::Host* receiver_ = nullptr;
  std::vector<simgrid::s4u::Link*> links_;  // [port]; null where no flow has crossed yet.
  std::vector<std::int32_t> flows_;         // [port] flows that cross it now
  std::vector<std::int32_t> busy_;          // Ports with flows, in any order.
  std::vector<std::int32_t> busy_slot_;     // [port] its place in busy_
  std::map<std::int32_t, double> shares_;   // [port] Of those that carry less than they could.
};

}  // namespace moesim
