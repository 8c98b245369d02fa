#include "sim/results/queue_series.h"

#include <numeric>

namespace moesim {

namespace {

constexpr std::size_t kMostPoints = 1024;
constexpr double kWaitingShare = 0.05;
constexpr double kGrowth = 1.5;

double mean(const std::vector<std::int64_t>& values, std::size_t first, std::size_t last) {
  const double sum = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(first),
                                     values.begin() + static_cast<std::ptrdiff_t>(last), 0.0);
  return sum / static_cast<double>(last - first);
}

}  // namespace

void QueueSeries::add(const QueuePoint& point) {
  points_.push_back(point);
  if (points_.size() < kMostPoints) return;
  for (std::size_t i = 0; 2 * i < points_.size(); ++i) points_[i] = points_[2 * i];
  points_.resize((points_.size() + 1) / 2);
  stride_ *= 2;
}

bool queue_grows(const std::vector<std::int64_t>& waiting_seen) {
  const std::size_t n = waiting_seen.size();
  if (n < 4) return false;
  const double before = mean(waiting_seen, n / 4, n / 2);
  const double late = mean(waiting_seen, n - n / 4, n);
  return late > kWaitingShare * static_cast<double>(n) && late > kGrowth * before;
}

}  // namespace moesim
