// The members of a collective and the links that they share: everything that the formulas of
// collectives.h know of a cluster.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "hardware/network/fabric_share.h"
#include "hardware/network/topology.h"
#include "hardware/spec/link_speeds.h"

namespace moesim {

struct CommGroup {
  std::int64_t size = 1;
  std::int64_t nodes = 1;
  std::int64_t per_node = 1;  // Largest number of members in one node.
  BytesPerSecond scale_up;    // Port bandwidth inside a node, per direction and device.
  BytesPerSecond scale_out;   // NICs per device, per direction; 0 when nodes = 1.
  // Both bandwidths are of the slowest member, which sets the pace of rings and reductions. These
  // are the bandwidths of all members as multiples of it; empty = all alike.
  std::vector<double> up_lead, out_lead;  // [member]
  FabricShare fabric;  // Bandwidths that the network leaves if all members send at once.
  LinkTechnology up;
  LinkTechnology out;
};
// Special cases of scale_up:
//   mesh: port bandwidth (per_node - 1) / (devices of the mesh - 1), the links to members only
//   members of one node in several scale-up domains: min(link, host port), no reduction in a switch
// Requires: devices of the cluster, each once. Throws: std::invalid_argument for members that no
// link joins.
CommGroup make_group(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
                     const LinkSpeeds& speeds = {});

}  // namespace moesim
