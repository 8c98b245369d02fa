// Links between the switches of a fabric by the names of their ports, and the devices whose traffic
// passes them; for slow and broken links of a scenario.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hardware/network/topology_fabric.h"
#include "hardware/network/topology_layout.h"
#include "hardware/spec/device.h"

namespace moesim {

class FabricLinks {
 public:
  // Requires: no cluster_faults(), several nodes.
  explicit FabricLinks(const ClusterSpec& cluster);

  // Ports whose name is `name` or begins with its words ("leaf 3", "leaf 3 up"), and those of the
  // same links in the other direction, ascending. Empty = there is none.
  std::vector<std::int32_t> named(const std::string& name) const;
  // "none: ..." or "one of 64 names from leaf 0 up to leaf 31 down, or their first words".
  std::string names() const;
  // Parallel cables of a port.
  std::int64_t cables(std::int32_t port) const { return fabric_->cables(port); }
  // Whether traffic from one device to another passes any of the ports (ascending).
  bool pass(std::int64_t from, std::int64_t to, const std::vector<std::int32_t>& ports) const;

 private:
  TopologyLayout layout_;
  std::unique_ptr<Fabric> fabric_;
};

}  // namespace moesim
