// The cluster as a directed graph: devices, switches, NICs, leaves, spines, routers; each edge is a
// port with a bandwidth. Routes are chosen here and used by the collectives' formulas and by the
// event engine alike.
//
// Inside a node: NVSwitch = one port out and one in per device; mesh = a link per pair, each with
// link_bandwidth / (link_domain - 1); PCIe, and devices beyond a link domain = the devices' host
// ports. Between nodes: NIC out, the ports of the fabric's family
// (hardware/network/topology_fabric.h), NIC in. On a rail fabric a switched or meshed node first
// hands the data to its own device of the destination's rail (PXN).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "hardware/network/topology_fabric.h"
#include "hardware/spec/device.h"

namespace moesim {

enum class PortClass { kScaleUp, kNic, kFabric };

// A directed link that traffic can share.
struct Port {
  std::string name;  // "node 3 gpu 5 scale-up out"
  PortClass port_class = PortClass::kScaleUp;
  BytesPerSecond bandwidth;
};

// An edge of the graph; those without a port, such as from a device to its NIC, are no shared
// resource. Devices are the vertices from 0.
struct Wire {
  static constexpr std::int32_t kNoPort = -1;

  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int32_t port = kNoPort;
};

class Topology {
 public:
  // Time and memory are linear in devices and links: routes are found by rule and none is kept.
  // Throws: std::invalid_argument for a cluster that cannot be wired (see cluster_faults()) or
  // whose devices are not all joined.
  explicit Topology(const ClusterSpec& cluster);
  ~Topology();
  Topology(Topology&&) noexcept;

  std::int64_t num_devices() const;
  const std::vector<Port>& ports() const;
  // Ports from device to device in order; empty for a device to itself. Deterministic. Throws:
  // std::logic_error for no such device.
  std::vector<std::int32_t> route(std::int64_t from, std::int64_t to) const;
  // Smallest port bandwidth on the route. Requires: from != to.
  BytesPerSecond route_bandwidth(std::int64_t from, std::int64_t to) const;
  std::int64_t node_of(std::int64_t device) const;
  bool same_node(std::int64_t a, std::int64_t b) const { return node_of(a) == node_of(b); }
  // Parts of the network between the nodes; all zero for a single node.
  const FabricBill& bill() const;
  std::int64_t num_fabric_switches() const { return bill().switches; }
  std::int64_t num_optic_ends() const { return 2 * bill().cables; }

  std::int64_t num_vertices() const;
  // All edges, those with a port in the order of ports().
  std::vector<Wire> wires() const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace moesim
