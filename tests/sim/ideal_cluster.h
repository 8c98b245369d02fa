// A cluster whose collectives can be computed in the head.
#pragma once

#include "hardware/spec/device.h"

namespace moesim::made {

// 100 GB/s in a node of eight, one 10 GB/s NIC per device; 5 us to start, 1 us a step, nothing
// lost.
inline ClusterSpec ideal_cluster(std::int64_t nodes) {
  ClusterSpec cluster;
  cluster.nodes = nodes;
  cluster.node.devices = 8;
  cluster.node.nics = 8;
  cluster.node.nic_bandwidth = BytesPerSecond(10e9);
  cluster.node.nic_technology.collective_start = Seconds(20e-6);
  cluster.node.nic_technology.step = Seconds(3e-6);
  DeviceSpec& device = cluster.node.device;
  device.link_domain = 8;
  device.link_bandwidth = BytesPerSecond(100e9);
  device.host_bandwidth = BytesPerSecond(25e9);
  device.link_technology.collective_start = Seconds(5e-6);
  device.link_technology.step = Seconds(1e-6);
  for (LinkTechnology* link : {&device.link_technology, &cluster.node.nic_technology}) {
    link->all_to_all.low_latency_start = Seconds(13e-6);
    link->all_to_all.dispatch_start = Seconds(27e-6);
    link->all_to_all.combine_start = Seconds(49e-6);
  }
  return cluster;
}

}  // namespace moesim::made
