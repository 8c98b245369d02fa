// How much of the steps the network takes, and which of its links limits it.
#pragma once

#include "sim/results/summary.h"

namespace moesim {

// The link with the fullest port while tokens are dispatched; null where they do not travel.
const LinkUse* fullest_link(const NetworkSummary& network);

// Share of the steps that ranks communicate in.
double communication_share(const CommunicationTimes& steps);

}  // namespace moesim
