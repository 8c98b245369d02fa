// The counts and positions of a node's parts, from which the topology draws its graph.
#pragma once

#include <cstdint>

#include "hardware/network/topology_fabric.h"
#include "hardware/spec/device.h"

namespace moesim {

// How devices and NICs hang together in their nodes; all are numbered from 0 over the cluster.
struct TopologyLayout {
  std::int64_t nodes = 0;
  std::int64_t per_node = 0;  // Devices.
  std::int64_t devices = 0;
  std::int64_t domain = 1;    // Devices of one node that the scale-up link joins.
  bool has_scale_up = false;  // Switched or meshed.
  bool has_mesh = false;
  bool has_host_ports = false;  // Some peers, and the NICs, are reached over PCIe only.
  bool has_network = false;
  bool has_pxn = false;  // Data changes rails inside the node.
  FabricEnds ends;       // Where there is a network.
  std::int64_t devices_per_rail = 1;

  std::int64_t node_of(std::int64_t device) const { return device / per_node; }
  std::int64_t rail_of(std::int64_t device) const { return device % per_node / devices_per_rail; }
  std::int64_t nic_of(std::int64_t device) const {
    return node_of(device) * ends.rails + rail_of(device);
  }
  // The device that hands the data for `to`, on another node, to its NIC.
  std::int64_t sender_to(std::int64_t from, std::int64_t to) const {
    const bool changes = has_pxn && rail_of(from) != rail_of(to);
    return changes ? from - from % per_node + to % per_node : from;
  }
  bool same_domain(std::int64_t a, std::int64_t b) const {
    return has_scale_up && node_of(a) == node_of(b) &&
           a % per_node / domain == b % per_node / domain;
  }
};

// Throws: std::invalid_argument for a cluster that cannot be wired.
TopologyLayout lay_out(const ClusterSpec& cluster);

}  // namespace moesim
