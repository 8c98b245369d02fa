// What faults of links and devices cost; absent for cases without any.
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

template <auto Member>
std::optional<double> of_faults(const MetricInput& in) {
  if (!in.summary || !in.summary->faults) return std::nullopt;
  const auto& value = (*in.summary->faults).*Member;
  if constexpr (requires { value.value(); }) {
    return value.value();
  } else {
    return static_cast<double>(value);
  }
}

}  // namespace

std::vector<MetricRow> fault_metrics() {
  const std::string g = "faults";
  return {
      {kRequestsRetried, "requests_retried", "requests retried", g, "count",
       "Times that a request started again from its prompt because its replica had failed.",
       of_faults<&FaultSummary::retried>},
      {kRequestsRejectedUnavailable, "requests_rejected_unavailable",
       "rejected: no replica available", g, "count",
       "Of the rejected: no replica would ever serve them again.",
       of_faults<&FaultSummary::unavailable>},
      {kReplicaDown, "replica_down_s", "replicas down", g, "s",
       "Time from failure to the end of the restart, sum over replicas.",
       of_faults<&FaultSummary::replica_down>},
      {kAvailableShare, "available_share", "availability", g, "share",
       "Share of all replicas' time in which they could serve.",
       of_faults<&FaultSummary::available>},
      {kTimeHeld, "time_held_s", "stalled on link failure", g, "s",
       "Time of all devices in steps that waited for a link that was down; part of communication.",
       of_faults<&FaultSummary::held>},
  };
}

}  // namespace moesim
