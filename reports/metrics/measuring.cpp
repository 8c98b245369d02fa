// What part of a run the figures describe, and how precisely.
#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"
#include "sim/results/precision.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

const RunPrecision* precision(In in) {
  return in.summary && in.summary->window.precision ? &*in.summary->window.precision : nullptr;
}

template <auto Member>
Out reached(In in) {
  const RunPrecision* const precision_of_run = precision(in);
  return precision_of_run ? Out(precision_of_run->*Member) : std::nullopt;
}

template <auto Figure>
Out half_width(In in) {
  const RunPrecision* const precision_of_run = precision(in);
  if (!precision_of_run || !(precision_of_run->*Figure)) return std::nullopt;
  return (precision_of_run->*Figure)->half_width;
}

Out warm_up(In in) {
  return in.summary ? Out(in.summary->window.from.value()) : std::nullopt;
}

Out warmed_up(In in) {
  return precision(in) ? Out(in.summary->window.warmed_up) : std::nullopt;
}

Out too_short(In in) {
  const RunPrecision* const precision_of_run = precision(in);
  if (!precision_of_run) return std::nullopt;
  return !in.summary->window.warmed_up ||
         !is_reached(kLeastPrecision, *precision_of_run, in.workload->slo);
}

}  // namespace

std::vector<MetricRow> measuring_metrics() {
  const std::string g = "measuring";
  const std::string half =
      "Half-width of the 95 % confidence interval within the run, over the value: ";
  return {
      {kWarmUp, "warm_up_s", "warm-up", g, "s", "Start of the simulation that is not measured.",
       warm_up},
      {kWarmedUp, "warmed_up", "steady state found", g, "0/1",
       "1 if the warm-up ended; else the whole run is measured. Absent where traffic changes.",
       warmed_up},
      {kUnfinishedShare, "unfinished_share", "requests unfinished", g, "share",
       "Requests that had not ended when the run did, of those that came.",
       reached<&RunPrecision::unfinished>},
      {kMeasuredEndToEnds, "measured_end_to_ends", "measured time over end-to-end P99", g, "ratio",
       "How often the slowest requests follow each other in the time measured.",
       reached<&RunPrecision::end_to_ends>},
      {kTokenRateHalfWidthShare, "token_rate_half_width_share", "output tokens/s known to", g,
       "share", half + "output tokens per second, and so the cost of a token.",
       half_width<&RunPrecision::token_rate>},
      {kTtftP99HalfWidthShare, "ttft_p99_half_width_share", "TTFT P99 known to", g, "share",
       half + "TTFT P99.", half_width<&RunPrecision::ttft_p99>},
      {kTpotP99HalfWidthShare, "tpot_p99_half_width_share", "TPOT P99 known to", g, "share",
       half + "TPOT P99.", half_width<&RunPrecision::tpot_p99>},
      {kTooShort, "too_short", "too short to trust", g, "0/1",
       "1 if the run has no steady state or its figures are less precise than 5 %, percentiles "
       "that "
       "are clear of their limit than 25 %.",
       too_short},
  };
}

}  // namespace moesim
