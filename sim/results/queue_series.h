// The queue of a run over time.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/results/summary.h"

namespace moesim {

// Requests inside over time: whenever there are too many points, every second one is dropped.
class QueueSeries {
 public:
  // Offers a moment; true if the series wants its point, which add() then takes.
  bool offer() { return offered_++ % stride_ == 0; }
  void add(const QueuePoint& point);
  const std::vector<QueuePoint>& points() const { return points_; }

 private:
  std::vector<QueuePoint> points_;
  std::int64_t stride_ = 1;  // Of the points offered.
  std::int64_t offered_ = 0;
};

// Whether the queue kept growing, by the requests that each arrival saw waiting; Summary::saturated
// has the definition.
bool queue_grows(const std::vector<std::int64_t>& waiting_seen);

}  // namespace moesim
