// Who takes part in a collective, and the links that they share: what the formulas of
// sim/network/collectives.h know of a cluster.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "hardware/network/fabric_share.h"
#include "hardware/network/topology.h"
#include "hardware/spec/link_speeds.h"

namespace moesim {

// Devices that take part in a collective, seen through the links they share.
struct CommGroup {
  std::int64_t size = 1;
  std::int64_t nodes = 1;
  std::int64_t per_node = 1;  // Largest number of members in one node.
  BytesPerSecond scale_up;    // Port bandwidth inside a node, per direction and device.
  BytesPerSecond scale_out;   // NICs per device, per direction; 0 when nodes = 1.
  // Both of the slowest member, which sets the pace of all that ring or reduce. The bandwidths of
  // the others as multiples of that; empty = all alike.
  std::vector<double> up_lead, out_lead;  // [member]
  FabricShare fabric;                     // What the network leaves of them to all members at once.
  LinkTechnology up;
  LinkTechnology out;
};
// Requires: devices of the cluster, each once. Throws: std::invalid_argument for members that no
// link joins.
//   mesh: scale_up = port bandwidth (per_node - 1) / (devices of the mesh - 1), the links to
//   members only members of one node in several scale-up domains: scale_up = min(link, host port),
//   no reduction in a switch
CommGroup make_group(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
                     const LinkSpeeds& speeds = {});

}  // namespace moesim
