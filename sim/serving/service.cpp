#include "sim/serving/service.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "sim/deployment/request_fit.h"

namespace moesim {

Service::Service(std::deque<Pool>& pools, const Workload& workload, Engine& engine)
    : workload_(workload), engine_(engine) {
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
  progress_(share_done());
  stop_if_done();
}

void Service::start() {
  if (workload_.horizon) engine_.at(*workload_.horizon, [this] { engine_.stop(); });
  if (faults_) faults_->start();
  if (workload_.requests.empty()) return;
  if (workload_.kind == ArrivalKind::kOpen) {
    engine_.at(workload_.requests.front().arrival, [this] { arrive_open(); });
    return;
  }
  engine_.at(Seconds(0), [this] {
    const auto all = static_cast<std::int64_t>(workload_.requests.size());
    const bool loop = workload_.kind == ArrivalKind::kClosedLoop;
    const std::int64_t at_once = loop ? std::min(workload_.concurrency, all) : all;
    for (std::int64_t i = 0; i < at_once; ++i) send_next();
    stop_if_done();
  });
}

// Sets one timer at a time; those of an hour of arrivals would flood the event queue.
void Service::arrive_open() {
  const Seconds now = engine_.now();
  const std::vector<Request>& requests = workload_.requests;
  while (next_ < requests.size() && requests[next_].arrival <= now) {
    waiting_seen_.push_back(waiting());
    submit(requests[next_++]);
  }
  observe();
  if (next_ < requests.size()) {
    engine_.at(requests[next_].arrival, [this] { arrive_open(); });
  } else {
    stop_if_done();
  }
}

// In a closed loop a user whose request is rejected sends the next one at once.
void Service::send_next() {
  while (next_ < workload_.requests.size()) {
    const std::int64_t rejected = records_.rejected;
    submit(workload_.requests[next_++]);
    if (workload_.kind != ArrivalKind::kClosedLoop || records_.rejected == rejected) return;
  }
}

void Service::submit(const Request& request) {
  ++records_.arrived;
  mark(RequestMark::Kind::kArrived, 1);
  records_.input_arrived += request.input_tokens;
  records_.output_asked += request.output_tokens;
  const Interrupted fresh{.request = request, .arrival = engine_.now()};
  if (exceeds_context(contexts_.front().deployment.model, request)) {
    ++records_.rejected_context;
    reject(fresh);
    return;
  }
  const Admission admission = place(fresh);
  if (admission == Admission::kAdmitted) return;
  if (admission == Admission::kNoReplica) ++records_.faults.unavailable;
  reject(fresh);
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
  records_.input_rejected +=
      request.input_tokens - std::min(interrupted.highest, request.input_tokens);
  records_.output_rejected += request.output_tokens - interrupted.delivered;
}

double Service::share_done() const {
  const double ended = static_cast<double>(records_.completed + records_.rejected);
  const double of_requests = ended / static_cast<double>(workload_.requests.size());
  return workload_.horizon ? std::max(of_requests, engine_.now() / *workload_.horizon)
                           : of_requests;
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
  queue_.add(point);
}

void Service::stop_if_done() {
  if (timeline_ && timeline_->complete()) engine_.stop();
  const bool all_sent = next_ == workload_.requests.size();
  if (all_sent && records_.completed + records_.rejected == records_.arrived) engine_.stop();
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
