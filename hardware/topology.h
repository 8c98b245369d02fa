// The cluster as a directed graph: devices, switches, NICs, leaves, spines; each edge is a port
// with a bandwidth. Routes are chosen here and used by the collectives' formulas and by the event
// engine alike.
//
// Inside a node: NVSwitch = one port out and one in per device; mesh = a link per pair, each with
// link_bandwidth / (link_domain - 1); PCIe, and devices beyond a link domain = the devices' host
// ports. Between nodes: NIC out, leaf up and down where the leaves differ, NIC in. On a rail fabric
// a switched or meshed node first hands the data to its own device of the destination's rail (PXN).
// The up-links of a leaf are one port: traffic is taken to spread over them evenly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "hardware/device.h"

namespace moesim {

enum class PortClass { kScaleUp, kNic, kFabric };

// A directed link that traffic can share.
struct Port {
  std::string name;  // "node 3 gpu 5 scale-up out"
  PortClass port_class = PortClass::kScaleUp;
  BytesPerSecond bandwidth;
};

// Not to be shared between threads: routes are remembered on first use.
class Topology {
 public:
  // Cost and memory are linear in the number of devices.
  // Throws: std::invalid_argument for a cluster that cannot be wired (several nodes without NICs or
  // fabric, NICs and devices that do not divide each other, a torus).
  explicit Topology(const ClusterSpec& cluster);
  ~Topology();
  Topology(Topology&&) noexcept;

  std::int64_t num_devices() const;
  const std::vector<Port>& ports() const;
  // Ports from device to device in order; empty for a device to itself. Deterministic; the
  // reference stays valid. Requires: both in [0, num_devices()).
  const std::vector<std::int32_t>& route(std::int64_t from, std::int64_t to) const;
  // Smallest port bandwidth on the route. Requires: from != to.
  BytesPerSecond route_bandwidth(std::int64_t from, std::int64_t to) const;
  std::int64_t node_of(std::int64_t device) const;
  bool same_node(std::int64_t a, std::int64_t b) const { return node_of(a) == node_of(b); }
  // Switches that the scale-out network needs, for power and price: leaves, as many full switches
  // above them as their up-links fill, and further levels when the leaves outnumber a switch's
  // ports.
  std::int64_t num_fabric_switches() const;
  // Two for every cable of that network.
  std::int64_t num_optic_ends() const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace moesim
