// The one definition of a percentile.
#pragma once

#include <span>
#include <vector>

namespace moesim {

// The value below which `percent` of 100 lie, linear between order statistics: with x_0 <= ... <=
// x_(n-1) and h = (n - 1) percent / 100, x_floor(h) + (h - floor(h)) (x_(floor(h)+1) - x_floor(h)).
// Type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician
// 50 (1996); numpy's default, by which the benchmark tools of vLLM and SGLang report latencies.
// Requires: sorted, not empty; 0 <= percent <= 100.
double percentile(std::span<const double> sorted, double percent);

// Percentile 50 of values in any order. Requires: not empty.
double median(std::vector<double> values);

}  // namespace moesim
