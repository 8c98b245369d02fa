// Whether a cluster can be wired: checked when a scenario is read, before anything is built.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec/device.h"

namespace moesim {

// A fault of a cluster: its key ("node", "nodes", "fabric", "routing", "shape"), the value, and the
// values that are allowed.
struct ClusterFault {
  std::string path;
  std::string value;
  std::string allowed;
};

// At least one node and device; with several nodes NICs, which the number of devices divides or is
// divided by, and a fabric whose switches suffice and join them all. Empty if it can be wired.
std::vector<ClusterFault> cluster_faults(const ClusterSpec& cluster);

// Throws: std::invalid_argument with the first of cluster_faults().
void check_cluster(const ClusterSpec& cluster);

}  // namespace moesim
