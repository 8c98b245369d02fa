// The SimGrid side of the Engine: flows along the topology's routes over one link per port. A link
// is created when the first flow crosses it, so that a large cluster costs nothing until it is
// used. Only sim/events may include this header.
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

  // Starts a flow along the topology's route. Requires: from != to; bytes > 0; not inside a step of
  // SimGrid.
  simgrid::s4u::CommPtr start_flow(std::int64_t from, std::int64_t to, double bytes);
  // A flow has ended.
  void end_flow(std::int64_t from, std::int64_t to);
  // See Engine::set_port_speed.
  void set_port_speed(std::int32_t port, double share);
  // All ports have their full bandwidth again.
  void restore_ports();
  // Usage over capacity of the fullest port that carries a flow now.
  double port_share() const;

 private:
  simgrid::s4u::Link* link(std::int32_t port);
  double bandwidth(std::int32_t port) const;
  void start_at_whole_speed(simgrid::s4u::Comm& flow, const std::vector<std::int32_t>& ports);

  const Topology& topology_;
  // SimGrid owns these four. Every flow goes from sender to receiver.
  FlowZone* flow_zone_ = nullptr;
  FlowZone* link_zone_ = nullptr;
  simgrid::s4u::Host* sender_ = nullptr;
  simgrid::s4u::Host* receiver_ = nullptr;
  std::vector<simgrid::s4u::Link*> links_;  // [port]; null where no flow has crossed yet.
  std::vector<std::int32_t> flows_;         // [port] flows that cross it now
  std::vector<std::int32_t> busy_;          // Ports with flows, in any order.
  std::vector<std::int32_t> busy_slot_;     // [port] its place in busy_
  std::map<std::int32_t, double> shares_;   // [port] Bandwidth share of the slow ports.
};

}  // namespace moesim
