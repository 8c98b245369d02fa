#include "reports/metrics/communication_share.h"

namespace moesim {

const LinkUse* fullest_link(const NetworkSummary& network) {
  const LinkUse* fullest = nullptr;
  for (const LinkUse& link : network.links) {
    const double most = fullest ? fullest->fullest_busy_share : 0;
    if (link.fullest_busy_share > most) fullest = &link;
  }
  return fullest;
}

double communication_share(const CommunicationTimes& steps) {
  Seconds sum;
  for (int p = 0; p < kNumPhases; ++p) {
    if (is_communication(static_cast<Phase>(p))) sum += steps.phases[static_cast<std::size_t>(p)];
  }
  return steps.total > Seconds(0) ? sum / steps.total : 0;
}

}  // namespace moesim
