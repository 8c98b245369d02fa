// How uncertain the figures of one run are: 95 % confidence intervals by sectioning.
//
// The run is cut into ten sections of equal length. With f the figure of the whole run and f_i that
// of section i, the half-width is
//   t sqrt(sum of (f_i - f)^2 / (10 - 1) / 10),   t = 2.262 (97.5 % of Student's t, 9 degrees).
// Sections are long where correlation is short, so that they count as independent; a section too
// short for its percentile errs to one side, which widens the interval.
// Source: Asmussen and Glynn, "Stochastic Simulation", Springer 2007, section III.5.
#pragma once

#include <optional>
#include <vector>

#include "base/units.h"
#include "sim/deployment/workload.h"
#include "sim/results/records.h"
#include "sim/results/summary.h"

namespace moesim {

// A percentile. `values`: in the order of the run. Nothing for fewer than a
// hundred, or for a percentile of 0.
std::optional<Estimate> percentile_estimate(const std::vector<double>& values, double percent);

// The output tokens per second from `from` to `to`. Nothing for fewer than a
// hundred points in between, or without tokens.
std::optional<Estimate> token_rate_estimate(const std::vector<QueuePoint>& queue, Seconds from,
                                            Seconds to);

// The precision of a run that has been measured from `from` to `to`. `in_flight`: requests that
// came and have not ended. `came`: those, and all that have ended in the window.
RunPrecision precision_of(const Records& records, const std::vector<QueuePoint>& queue,
                          Seconds from, Seconds to, std::int64_t in_flight, std::int64_t came);

// Whether a figure is. `limit`: of the SLO, if it has one.
bool is_precise(const Precision& wanted, const Estimate& figure,
                const std::optional<Seconds>& limit);

// Whether a run is as precise as wanted. Percentiles count where the SLO limits them.
bool is_reached(const Precision& wanted, const RunPrecision& reached, const ServiceLevel& slo);

}  // namespace moesim
