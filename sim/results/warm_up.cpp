#include "sim/results/warm_up.h"

#include <numeric>

namespace moesim {

namespace {

constexpr std::size_t kOfOneMean = 5;
constexpr std::size_t kLeastMeans = 12;

std::vector<double> means_of(std::span<const double> series) {
  std::vector<double> means;
  for (std::size_t i = 0; i + kOfOneMean <= series.size(); i += kOfOneMean) {
    const auto five = series.subspan(i, kOfOneMean);
    means.push_back(std::accumulate(five.begin(), five.end(), 0.0) / kOfOneMean);
  }
  return means;
}

// The number of means to leave out. Sums run from the end, so that each d costs one step.
std::size_t truncation(const std::vector<double>& means) {
  double mean = 0, squares = 0, least = 0;
  std::size_t best = means.size();
  for (std::size_t n = 1; n <= means.size(); ++n) {
    const std::size_t d = means.size() - n;
    const double off = means[d] - mean;
    mean += off / static_cast<double>(n);
    squares += off * (means[d] - mean);
    if (2 * d > means.size()) continue;
    const double error = squares / (static_cast<double>(n) * static_cast<double>(n));
    if (best < means.size() && error > least) continue;
    least = error;
    best = d;
  }
  return best;
}

}  // namespace

std::optional<std::size_t> steady_from(std::span<const double> series) {
  const std::vector<double> means = means_of(series);
  if (means.size() < kLeastMeans) return std::nullopt;
  const std::size_t d = truncation(means);
  if (3 * d > means.size()) return std::nullopt;
  return d * kOfOneMean;
}

bool is_steady(const std::vector<QueuePoint>& queue) {
  std::vector<double> waiting, running;
  for (const QueuePoint& point : queue) {
    waiting.push_back(static_cast<double>(point.waiting));
    running.push_back(static_cast<double>(point.running));
  }
  return steady_from(waiting) && steady_from(running);
}

}  // namespace moesim
