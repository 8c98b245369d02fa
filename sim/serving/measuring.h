// When a run measures: from the end of its warm-up until its figures are precise enough.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/deployment/workload.h"
#include "sim/results/precision.h"

namespace moesim {

// A run of automatic length ends after so many requests or steps if its figures can be acted on,
// and after four times as many in any case.
inline constexpr std::int64_t kManyRequests = 60'000;
inline constexpr std::int64_t kManySteps = 150'000;
inline constexpr std::int64_t kMostRequestsOfRun = 4 * kManyRequests;
inline constexpr std::int64_t kMostStepsOfRun = 4 * kManySteps;

class Measuring {
 public:
  struct Progress {
    Seconds now;
    std::int64_t steps = 0, came = 0, ended = 0;  // Since the run began.
    std::int64_t in_flight = 0;
    const Records& records;  // Since the window opened.
    const std::vector<QueuePoint>& queue;
    const std::vector<std::int64_t>& waiting_seen;  // By the arrivals of an open workload.
  };
  enum class Event { kNone, kOpens, kEnds };

  // Keeps a reference. `stationary`: the traffic is, and nothing fails.
  Measuring(const Workload& workload, bool stationary);

  bool is_open() const { return open_; }
  bool stationary() const { return stationary_; }
  // What follows from the run so far. kOpens: open() is due; kEnds: so is the end of the run.
  Event look(const Progress& progress);
  void open(const Progress& progress);
  MeasuredWindow window(const Progress& progress) const;
  // Of a run of automatic length: its share that is done, by the precision reached.
  double share_done() const { return share_done_; }

 private:
  Event warm_up(const Progress& progress);
  Event settle(const Progress& progress);
  RunPrecision precision(const Progress& progress) const;
  bool is_overloaded(const Progress& progress);

  const Workload& workload_;
  bool stationary_ = false;
  bool open_ = false;
  MeasuredWindow window_;
  std::int64_t in_flight_before_ = 0;
  std::int64_t next_look_ = 64;  // Step of the next look at the queue.
  int growing_ = 0;              // Looks in succession that found the queue growing.
  double share_done_ = 0;
};

}  // namespace moesim
