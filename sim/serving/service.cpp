#include "sim/serving/service.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "sim/deployment/request_fit.h"

namespace moesim {

Service::Service(std::deque<Pool>& pools, const Workload& workload, Engine& engine)
    : workload_(workload),
      engine_(engine),
      supply_(workload, workload.precision ? kMostRequestsOfRun : kMostRequests),
      measuring_(workload, workload.stationary && pools.front().deployment.faults.empty()) {
  if (workload.kind == ArrivalKind::kClosedLoop && workload.concurrency <= 0) {
    throw std::invalid_argument("a closed loop needs at least one user");
  }
  records_.devices.resize(pools.front().deployment.cluster.num_devices());
  for (std::size_t p = 0; p < pools.size(); ++p) {
    contexts_.push_back(context(pools[p], p));
  }
  for (std::size_t p = 0; p < pools.size(); ++p) {
    const Deployment& deployment = pools[p].deployment;
    auto& replicas = deployment.role == PoolRole::kPrefill ? prefill_replicas_ : replicas_;
    for (std::int64_t r = 0; r < deployment.plan.replicas; ++r) {
      replicas.emplace_back(contexts_[p], r, pools[p].memory);
    }
  }
  if (!prefill_replicas_.empty()) {
    handover_.emplace(contexts_.back(), prefill_replicas_, contexts_.front(), replicas_);
  }
  expect_faults(pools);
}

Replica::Context Service::context(Pool& pool, std::size_t number) {
  const bool prefills = pool.deployment.role == PoolRole::kPrefill;
  return {
      .deployment = pool.deployment,
      .model = pool.model,
      .engine = engine_,
      .records = records_,
      .routing = prefills ? records_.prefill_routing : records_.routing,
      .slo = workload_.slo,
      .ended = [this](const StepOutcome& outcome) { end_step(outcome); },
      .gave_up = [this, number](std::int64_t replica,
                                const DownLink& link) { faults_->give_up(number, replica, link); }};
}

void Service::record(CaseTimeline& timeline) {
  timeline_ = &timeline;
  for (std::size_t p = 0; p < contexts_.size(); ++p) {
    contexts_[p].timeline = &timeline.pools[p];
  }
}

void Service::mark(RequestMark::Kind kind, std::size_t requests) {
  if (timeline_) {
    timeline_->requests.add(kind, engine_.now(), static_cast<std::int64_t>(requests));
  }
}

void Service::end_step(const StepOutcome& outcome) {
  ++steps_;
  ended_ += static_cast<std::int64_t>(outcome.completed.size());
  mark(RequestMark::Kind::kFirstToken, outcome.first_token_waits.size());
  mark(RequestMark::Kind::kEnded, outcome.completed.size());
  if (handover_) {
    handover_->offer(outcome.prefilled);
    handover_->send_off();
    reject_prompts();
  }
  if (workload_.kind == ArrivalKind::kClosedLoop) {
    for (std::size_t i = 0; i < outcome.completed.size(); ++i) send_next();
  }
  observe();
  measure();
  report_progress_(share_done());
  stop_if_done();
}

void Service::start() {
  if (workload_.horizon) engine_.at(*workload_.horizon, [this] { engine_.stop(); });
  if (workload_.warm_up.time) {
    engine_.at(*workload_.warm_up.time, [this] { open_window(); });
  }
  if (faults_) faults_->start();
  if (!supply_.next()) return;
  if (workload_.kind == ArrivalKind::kOpen) {
    engine_.at(supply_.next()->arrival, [this] { arrive_open(); });
    return;
  }
  engine_.at(Seconds(0), [this] {
    const bool loop = workload_.kind == ArrivalKind::kClosedLoop;
    for (std::int64_t i = 0; supply_.next() && (!loop || i < workload_.concurrency); ++i) {
      send_next();
    }
    stop_if_done();
  });
}

// Sets one timer at a time; those of an hour of arrivals would flood the event queue.
void Service::arrive_open() {
  const Seconds now = engine_.now();
  while (supply_.next() && supply_.next()->arrival <= now) {
    waiting_seen_.push_back(waiting());
    submit(supply_.take());
  }
  observe();
  if (supply_.next()) {
    engine_.at(supply_.next()->arrival, [this] { arrive_open(); });
  } else {
    stop_if_done();
  }
}

// In a closed loop a user whose request is rejected goes on with the next one.
void Service::send_next() {
  while (supply_.next()) {
    const Request request = supply_.take();
    if (request.pause > Seconds(0)) {
      ++pausing_;
      engine_.after(request.pause, [this, request] { ask(request); });
      return;
    }
    if (submit(request) || workload_.kind != ArrivalKind::kClosedLoop) return;
  }
}

// A user's pause has ended.
void Service::ask(const Request& request) {
  --pausing_;
  if (!submit(request)) send_next();
  observe();
  stop_if_done();
}

// False if it is rejected.
bool Service::submit(const Request& request) {
  ++came_;
  ++records_.arrived;
  mark(RequestMark::Kind::kArrived, 1);
  records_.input_arrived += request.input_tokens;
  records_.output_asked += request.output_tokens;
  const Interrupted fresh{.request = request, .arrival = engine_.now()};
  if (exceeds_context(contexts_.front().deployment.model, request)) {
    ++records_.rejected_context;
    reject(fresh);
    return false;
  }
  const Admission admission = place(fresh);
  if (admission == Admission::kAdmitted) return true;
  if (admission == Admission::kNoReplica) ++records_.faults.unavailable;
  reject(fresh);
  return false;
}

Service::Admission Service::place(const Interrupted& request) {
  Batcher* batcher = nullptr;
  Replica* replica = least_loaded(batcher);
  const bool decodes = request.request.output_tokens > 1;
  if (replica == nullptr || (decodes && !can_ever_decode())) return Admission::kNoReplica;
  if (!can_decode(request.request) || !batcher->submit(request)) return Admission::kTooLong;
  replica->wake();
  return Admission::kAdmitted;
}

// The batcher with the least outstanding work, among the replicas that are not known to be down; if
// all are, among those that are restored first.
Replica* Service::least_loaded(Batcher*& batcher) {
  std::deque<Replica>& replicas = handover_ ? prefill_replicas_ : replicas_;
  const auto restored_at = [](const Replica& replica) {
    const bool is_down = replica.state() == Replica::State::kDown;
    if (is_down && !replica.restored_at()) return std::numeric_limits<double>::infinity();
    return is_down ? replica.restored_at()->value() : 0;
  };
  Replica* best = nullptr;
  for (Replica& replica : replicas) {
    if (std::isinf(restored_at(replica)) || (best && restored_at(replica) > restored_at(*best)))
      continue;
    if (best && restored_at(replica) < restored_at(*best)) batcher = nullptr;
    for (Batcher& other : replica.batchers()) {
      if (batcher && other.outstanding_tokens() >= batcher->outstanding_tokens()) continue;
      batcher = &other;
      best = &replica;
    }
  }
  return best;
}

// A request for one token ends in the prefill pool.
bool Service::can_decode(const Request& request) const {
  if (!handover_ || request.output_tokens <= 1) return true;
  return replicas_.front().batchers().front().can_hold(request);
}

// Tokens of it that were computed before count as done.
void Service::reject(const Interrupted& interrupted) {
  const Request& request = interrupted.request;
  mark(RequestMark::Kind::kRejected, 1);
  ++records_.rejected;
  ++ended_;
  records_.input_rejected +=
      request.input_tokens - std::min(interrupted.highest, request.input_tokens);
  records_.output_rejected += request.output_tokens - interrupted.delivered;
}

double Service::share_done() const {
  if (workload_.precision) return measuring_.share_done();
  const double all = workload_.more ? static_cast<double>(kMostRequests)
                                    : static_cast<double>(workload_.requests.size());
  const double of_requests = static_cast<double>(ended_) / all;
  return workload_.horizon ? std::max(of_requests, engine_.now() / *workload_.horizon)
                           : of_requests;
}

std::int64_t Service::in_flight() const {
  return before_.in_flight + records_.arrived - records_.completed - records_.rejected;
}

TokenCounts Service::token_counts() const {
  TokenCounts sum;
  for (const Batcher* batcher : batchers()) sum += batcher->token_counts();
  for (const Batcher* batcher : prefill_batchers()) sum += batcher->token_counts();
  return sum;
}

std::int64_t Service::preemptions() const {
  std::int64_t sum = 0;
  for (const Batcher* batcher : batchers()) sum += batcher->preemptions();
  for (const Batcher* batcher : prefill_batchers()) sum += batcher->preemptions();
  return sum;
}

std::int64_t Service::waiting() const {
  std::int64_t sum = handover_ ? handover_->inside() : 0;
  for (const Batcher* batcher : batchers()) sum += batcher->waiting();
  for (const Batcher* batcher : prefill_batchers()) sum += batcher->waiting();
  return sum;
}

void Service::observe() {
  if (!queue_.offer()) return;
  QueuePoint point;
  point.time = engine_.now();
  point.waiting = waiting();
  for (const Batcher* batcher : batchers()) point.running += batcher->running();
  for (const Batcher* batcher : prefill_batchers()) point.running += batcher->running();
  point.output_tokens = token_counts().output_done;
  queue_.add(point);
}

Measuring::Progress Service::progress() const {
  return {.now = engine_.now(),
          .steps = steps_,
          .came = came_,
          .ended = ended_,
          .in_flight = in_flight(),
          .records = records_,
          .queue = queue_.points(),
          .waiting_seen = waiting_seen_};
}

void Service::measure() {
  const Measuring::Event event = measuring_.look(progress());
  if (event == Measuring::Event::kOpens) open_window();
  if (event == Measuring::Event::kEnds) engine_.stop();
}

// Counts anew; of steps that run now, the rest counts.
void Service::open_window() {
  if (measuring_.is_open()) return;
  measuring_.open(progress());
  before_ = {in_flight(), preemptions(), token_counts()};
  const std::size_t devices = records_.devices.size();
  records_ = Records{};
  records_.devices.resize(devices);
  for (Replica& replica : replicas_) replica.count_anew();
  for (Replica& replica : prefill_replicas_) replica.count_anew();
}

// Stationary traffic is measured up to its end: without the time in which the last requests run
// out.
void Service::stop_if_done() {
  if (timeline_ && timeline_->complete()) engine_.stop();
  if (supply_.next()) return;
  const bool full =
      measuring_.stationary() &&
      (workload_.kind == ArrivalKind::kOpen ? workload_.horizon.has_value()
                                            : in_flight() + pausing_ >= workload_.concurrency);
  if (measuring_.stationary() ? !full : in_flight() + pausing_ == 0) engine_.stop();
}

void Service::close() {
  for (Replica& replica : replicas_) replica.cut_off();
  for (Replica& replica : prefill_replicas_) replica.cut_off();
}

std::vector<const Batcher*> Service::batchers_of(const std::deque<Replica>& replicas) {
  std::vector<const Batcher*> all;
  for (const Replica& replica : replicas) {
    for (const Batcher& batcher : replica.batchers()) all.push_back(&batcher);
  }
  return all;
}

bool Service::saturated() const {
  return workload_.kind == ArrivalKind::kOpen && queue_grows(waiting_seen_);
}

}  // namespace moesim
