// How the links of a run were used, by class: inside nodes, NICs, between switches.
#pragma once

#include <optional>

#include "hardware/kernels/kernel.h"
#include "hardware/network/topology.h"
#include "sim/results/network_tally.h"
#include "sim/results/summary.h"
#include "sim/step/doubled_links.h"

namespace moesim {

// `device`: of the deployment's first pool.
// Requires: `summary` has traffic, horizon and routing already.
NetworkSummary summarize_network(const Deployment& deployment, const Topology& topology,
                                 const NetworkTally& tally,
                                 const std::optional<DoubledLinks>& doubled,
                                 const DeviceModel& device, const Summary& summary);

}  // namespace moesim
