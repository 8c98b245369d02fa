// The end of the warm-up of a run, found in its queue.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "sim/results/summary.h"

namespace moesim {

// The observation from which a series is steady, by MSER-5: with y_1 ... y_m the means of five
// observations each, the d that minimises
//   sum over i > d of (y_i - mean of them)^2 / (m - d)^2,
// the squared standard error of the mean of the rest, over d <= m/2. Nothing if it lies beyond m/3:
// then the series has not been steady for long enough.
// Source: White, Cobb and Spratt, "A comparison of five steady-state truncation heuristics for
// simulation", Winter Simulation Conference 2000; Hoad, Robinson and Davies, "Automating warm-up
// length estimation", Journal of the Operational Research Society 61 (2010).
std::optional<std::size_t> steady_from(std::span<const double> series);

// Whether both the requests that wait and the requests that run have been steady for most of the
// points.
bool is_steady(const std::vector<QueuePoint>& queue);

}  // namespace moesim
