// Links that reach only a share of their bandwidth at some moment.
#pragma once

#include <cstdint>
#include <map>

namespace moesim {

// Shares in (0, 1]; links that are not named reach all of their bandwidth. To ask about faster
// links than a cluster has, set `all_fabric` above 1.
struct LinkSpeeds {
  std::map<std::int64_t, double> nics;      // [NIC of the cluster, as TopologyLayout counts them]
  std::map<std::int64_t, double> scale_up;  // [device] All its ports inside the node.

  std::map<std::int32_t, double> fabric;  // [port between switches, as Fabric counts them]
  double all_fabric = 1;                  // All of these, times their own share.

  bool empty() const {
    return nics.empty() && scale_up.empty() && fabric.empty() && all_fabric == 1;
  }
};

}  // namespace moesim
