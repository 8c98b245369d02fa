#include "reports/analysis/too_short.h"

#include "sim/results/precision.h"

namespace moesim {
namespace {

using enum Metric;

// `limit`: the metric with the limit of the SLO.
void add_uncertain(const CaseReport& report, Metric figure, Metric half_width,
                   std::optional<Metric> limit, std::vector<Shortcoming>& found) {
  const auto allowed = limit ? metric(report, *limit) : std::nullopt;
  if (limit && !allowed) return;
  const auto width = metric(report, half_width);
  const Estimate estimate{metric(report, figure).value_or(0), width.value_or(0)};
  const auto slo = allowed ? std::optional(Seconds(*allowed)) : std::nullopt;
  if (width && is_precise(kLeastPrecision, estimate, slo)) return;
  found.push_back({Shortcoming::Kind::kUncertain, width.value_or(0), half_width});
}

}  // namespace

std::vector<Shortcoming> shortcomings_of(const CaseReport& report) {
  std::vector<Shortcoming> found;
  const auto warmed_up = metric(report, kWarmedUp);
  if (!warmed_up) return found;
  if (*warmed_up == 0) found.push_back({.kind = Shortcoming::Kind::kNoSteadyState});
  const double unfinished = metric(report, kUnfinishedShare).value_or(0);
  if (unfinished > kLeastPrecision.unfinished)
    found.push_back({Shortcoming::Kind::kUnfinished, unfinished});
  const double end_to_ends = metric(report, kMeasuredEndToEnds).value_or(0);
  if (end_to_ends < kLeastPrecision.end_to_ends)
    found.push_back({Shortcoming::Kind::kFewEndToEnds, end_to_ends});
  add_uncertain(report, kOutputTokensPerSecond, kTokenRateHalfWidthShare, {}, found);
  add_uncertain(report, kTtftP99, kTtftP99HalfWidthShare, kSloTtftP99, found);
  add_uncertain(report, kTpotP99, kTpotP99HalfWidthShare, kSloTpotP99, found);
  return found;
}

}  // namespace moesim
