// The SimGrid side of the Engine: one flat zone with a host per device and a link per port, whose
// routes are the topology's. Only sim/engine*.cpp may include this header.
#pragma once

#include <cstdint>
#include <memory>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

#include "hardware/topology.h"

namespace moesim {

// Hosts and links of one SimGrid simulation, and how full the links are.
class EnginePlatform {
 public:
  // Throws: std::invalid_argument for a port without bandwidth.
  explicit EnginePlatform(const Topology& topology);

  // A flow along the topology's route, to be started by the caller. Requires: from != to, bytes >
  // 0.
  simgrid::s4u::CommPtr make_flow(std::int64_t from, std::int64_t to, double bytes) const;
  // Counts a flow on the ports of its route as begun or ended.
  void begin_flow(std::int64_t from, std::int64_t to);
  void end_flow(std::int64_t from, std::int64_t to);
  // Usage over capacity of the fullest port that carries a flow now.
  double port_share() const;

 private:
  const Topology& topology_;
  std::vector<simgrid::s4u::Host*> hosts_;  // [device]
  std::vector<simgrid::s4u::Link*> links_;  // [port]
  std::vector<std::int32_t> flows_;         // [port] flows that cross it now
  std::vector<std::int32_t> busy_;          // Ports with flows, in any order.
  std::vector<std::int32_t> busy_slot_;     // [port] its place in busy_
};

}  // namespace moesim
