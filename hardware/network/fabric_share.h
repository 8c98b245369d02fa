// Bandwidth that a fabric leaves to each device of a group when all of them send at once.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "hardware/spec/device.h"
#include "hardware/spec/link_speeds.h"

namespace moesim {

// Bandwidth of each device, per direction.
struct FabricShare {
  BytesPerSecond nic;     // Its share of its node's NICs.
  BytesPerSecond ring;    // To the next node, all at once: ring collectives. At most `nic`.
  BytesPerSecond spread;  // To all members on other nodes alike: all-to-all. At most `nic`.
};

// Each share is the smallest over the fabric's ports of bandwidth / load, with the load that the
// pattern puts on a port when every device sends one byte; real routes, so that an ECMP collision
// or a narrow cut shows. The routes of more than 1024 devices are a sample of them: all-to-all as
// shifts along the group, evenly spaced.
// Requires: devices of the cluster, each once; no cluster_faults(). NICs count as whole.
FabricShare fabric_share(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
                         const LinkSpeeds& speeds = {});

// Whether some pattern of traffic finds less than its NICs; a fat tree without oversubscription
// carries whatever they send, if that is spread.
bool may_block(const FabricSpec& fabric);

}  // namespace moesim
