// Links that reach only a share of their bandwidth at some moment.
#pragma once

#include <cstdint>
#include <map>

namespace moesim {

// Shares in (0, 1]; what is not named reaches all of its bandwidth.
struct LinkSpeeds {
  std::map<std::int64_t, double> nics;      // [NIC of the cluster, as TopologyLayout counts them]
  std::map<std::int64_t, double> scale_up;  // [device] All its ports inside the node.

  bool empty() const { return nics.empty() && scale_up.empty(); }
};

}  // namespace moesim
