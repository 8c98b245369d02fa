// The front of a deployment under failures of its replicas.
#include <algorithm>
#include <utility>

#include "sim/serving/service.h"

namespace moesim {

void Service::expect_faults(std::deque<Pool>& pools) {
  const FaultSpec& faults = pools.front().deployment.faults;
  if (faults.empty()) return;
  std::vector<FaultDriver::PoolReplicas> replicas;
  for (const Pool& pool : pools) {
    const bool prefills = pool.deployment.role == PoolRole::kPrefill;
    replicas.push_back({pool.deployment, prefills ? prefill_replicas_ : replicas_});
  }
  faults_.emplace(
      faults, engine_, std::move(replicas),
      FaultDriver::Hooks{
          .failed = [this](std::size_t pool, std::int64_t replica) { fail(pool, replica); },
          .detected = [this](const auto& lost, const auto& waiting) { retry(lost, waiting); },
          .restored = [this] { after_restore(); }});
}

void Service::fail(std::size_t pool, std::int64_t replica) {
  if (!handover_) return;
  const bool prefills = contexts_[pool].deployment.role == PoolRole::kPrefill;
  prefills ? handover_->lose_sender(replica) : handover_->lose_receiver(replica);
  engine_.after(Seconds(0), [this] { handover_->send_off(); });
}

void Service::retry(const std::vector<Interrupted>& lost, const std::vector<Interrupted>& waiting) {
  for (const Interrupted& request : lost) {
    if (place_or_reject(request)) ++records_.faults.retried;
  }
  for (const Interrupted& request : waiting) place_or_reject(request);
  reject_prompts();
  observe();
  stop_if_done();
}

// Requests that wait for a replica that is still down may now go to a better one.
void Service::after_restore() {
  for (Replica& replica : handover_ ? prefill_replicas_ : replicas_) {
    if (replica.state() != Replica::State::kDown) continue;
    for (const Interrupted& request : replica.drain()) place_or_reject(request);
  }
  if (handover_) handover_->send_off();
  observe();
  stop_if_done();
}

bool Service::place_or_reject(const Interrupted& request) {
  if (place(request) == Admission::kAdmitted) return true;
  reject_unavailable(request);
  return false;
}

bool Service::can_ever_decode() const {
  return !handover_ || std::any_of(replicas_.begin(), replicas_.end(), [](const Replica& replica) {
    return replica.state() != Replica::State::kDown || replica.restored_at();
  });
}

// Rejects the prompts that no decode replica will ever take.
void Service::reject_prompts() {
  if (!handover_ || can_ever_decode()) return;
  for (const Prefilled& prompt : handover_->withdraw()) {
    Replica& sender = prefill_replicas_[static_cast<std::size_t>(prompt.replica)];
    sender.batchers()[static_cast<std::size_t>(prompt.dp_rank)].release(prompt);
    reject_unavailable({.request = prompt.request,
                        .arrival = prompt.arrival,
                        .first_token = prompt.first_token,
                        .delivered = prompt.delivered,
                        .highest = prompt.highest});
    sender.wake();
  }
}

void Service::reject_unavailable(const Interrupted& request) {
  ++records_.faults.unavailable;
  reject(request);
  if (workload_.kind == ArrivalKind::kClosedLoop) send_next();
}

}  // namespace moesim
