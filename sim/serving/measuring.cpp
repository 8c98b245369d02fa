#include "sim/serving/measuring.h"

#include <algorithm>
#include <cmath>

#include "sim/results/queue_series.h"
#include "sim/results/warm_up.h"

namespace moesim {

namespace {

// Looks at the queue lie so far apart that all of them cost no more than a few.
constexpr double kBetweenLooks = 1.15;
// Traffic that is not stationary has a warm-up in its first quarter, or none that can be told from
// the traffic itself.
constexpr std::int64_t kWarmUpPart = 4;
// A queue counts as growing without end after so many arrivals, in so many looks.
constexpr std::int64_t kArrivalsToJudge = 4000;
constexpr int kLooksToJudge = 2;
// Before fewer requests have ended, a queue tells nothing.
constexpr std::int64_t kEndedToJudge = 10;

}  // namespace

Measuring::Measuring(const Workload& workload, bool stationary)
    : workload_(workload), stationary_(stationary) {
  const WarmUp& warm_up = workload.warm_up;
  open_ = window_.warmed_up = !warm_up.automatic && !warm_up.time && warm_up.requests == 0;
}

Measuring::Event Measuring::look(const Progress& progress) {
  if (stationary_ && workload_.precision &&
      (progress.came >= kMostRequestsOfRun || progress.steps >= kMostStepsOfRun)) {
    return Event::kEnds;
  }
  if (!open_ && !workload_.warm_up.automatic) {
    const std::int64_t wanted = workload_.warm_up.requests;
    return wanted > 0 && progress.ended >= wanted ? Event::kOpens : Event::kNone;
  }
  if (progress.steps < next_look_) return Event::kNone;
  next_look_ = std::llround(std::ceil(static_cast<double>(progress.steps) * kBetweenLooks));
  return open_ ? settle(progress) : warm_up(progress);
}

Measuring::Event Measuring::warm_up(const Progress& progress) {
  if (!stationary_) {
    const auto all = static_cast<std::int64_t>(workload_.requests.size());
    const bool late = progress.came * kWarmUpPart > all ||
                      (workload_.horizon && progress.now * kWarmUpPart > *workload_.horizon);
    if (late) return Event::kNone;
  } else if (workload_.precision && is_overloaded(progress)) {
    return Event::kEnds;
  }
  const bool replaced = progress.ended >= std::max(kEndedToJudge, progress.in_flight);
  return replaced && is_steady(progress.queue) ? Event::kOpens : Event::kNone;
}

Measuring::Event Measuring::settle(const Progress& progress) {
  if (!stationary_ || !workload_.precision) return Event::kNone;
  if (is_overloaded(progress)) return Event::kEnds;
  const RunPrecision reached = precision(progress);
  const bool is_long = progress.came >= kManyRequests || progress.steps >= kManySteps;
  if (is_reached(*workload_.precision, reached, workload_.slo) ||
      (is_long && is_reached(kLeastPrecision, reached, workload_.slo))) {
    return Event::kEnds;
  }
  const double rate = reached.token_rate ? reached.token_rate->half_width : 1;
  const double finer = workload_.precision->half_width / rate;
  share_done_ = std::clamp(finer * finer, share_done_, 0.95);
  return Event::kNone;
}

bool Measuring::is_overloaded(const Progress& progress) {
  const bool grows = progress.came >= kArrivalsToJudge && queue_grows(progress.waiting_seen);
  growing_ = grows ? growing_ + 1 : 0;
  return growing_ >= kLooksToJudge;
}

void Measuring::open(const Progress& progress) {
  open_ = window_.warmed_up = true;
  window_.from = progress.now;
  in_flight_before_ = progress.in_flight;
}

RunPrecision Measuring::precision(const Progress& progress) const {
  const std::int64_t came = in_flight_before_ + progress.records.arrived;
  return precision_of(progress.records, progress.queue, window_.from, progress.now,
                      progress.in_flight, came);
}

MeasuredWindow Measuring::window(const Progress& progress) const {
  MeasuredWindow window = window_;
  if (stationary_) window.precision = precision(progress);
  return window;
}

}  // namespace moesim
