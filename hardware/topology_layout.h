// The counts and positions of a cluster's parts, from which the topology draws its graph.
#pragma once

#include <cstdint>

#include "base/units.h"
#include "hardware/device.h"

namespace moesim {

// a / b rounded up. Requires: a >= 0, b > 0.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// How nodes, rails and leaves hang together. Devices, NICs and leaves are numbered from 0.
struct TopologyLayout {
  std::int64_t nodes = 0;
  std::int64_t per_node = 0;  // Devices.
  std::int64_t devices = 0;
  std::int64_t domain = 1;    // Devices of one node that the scale-up link joins.
  bool has_scale_up = false;  // Switched or meshed.
  bool has_mesh = false;
  bool has_host_ports = false;  // Some peers, and the NICs, are reached over PCIe only.
  bool has_network = false;
  bool has_pxn = false;    // Data changes rails inside the node.
  std::int64_t rails = 0;  // NIC ports of a node; several NICs of one device act as one.
  std::int64_t devices_per_rail = 1;
  BytesPerSecond nic_bandwidth;  // Of one rail of a node.
  std::int64_t cables_per_nic = 1;
  std::int64_t leaves = 0;
  std::int64_t endpoints_per_leaf = 0;  // NICs; on a leaf that serves one rail, nodes.
  bool leaf_per_rail = false;

  std::int64_t node_of(std::int64_t device) const { return device / per_node; }
  std::int64_t rail_of(std::int64_t device) const { return device % per_node / devices_per_rail; }
  std::int64_t nic_of(std::int64_t device) const {
    return node_of(device) * rails + rail_of(device);
  }
  std::int64_t leaf_of_nic(std::int64_t nic) const {
    const std::int64_t node = nic / rails;
    const std::int64_t rail = nic % rails;
    if (!leaf_per_rail) return nic / endpoints_per_leaf;
    return rail * ceil_div(nodes, endpoints_per_leaf) + node / endpoints_per_leaf;
  }
  bool same_domain(std::int64_t a, std::int64_t b) const {
    return has_scale_up && node_of(a) == node_of(b) &&
           a % per_node / domain == b % per_node / domain;
  }
};

// Throws: std::invalid_argument for a cluster that cannot be wired.
TopologyLayout lay_out(const ClusterSpec& cluster);

}  // namespace moesim
