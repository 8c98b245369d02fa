// What the front of a deployment does when replicas fail.
#include <algorithm>
#include <utility>

#include "sim/serving/service.h"

namespace moesim {

void Service::expect_faults(std::deque<Pool>& pools) {
  const FaultSpec& faults = pools.front().deployment.faults;
  if (faults.empty()) return;
  std::vector<FaultDriver::Crew> crews;
  for (const Pool& pool : pools) {
    const bool prefills = pool.deployment.role == PoolRole::kPrefill;
    crews.push_back({pool.deployment, prefills ? prefill_replicas_ : replicas_});
  }
  faults_.emplace(
      faults, engine_, std::move(crews),
      FaultDriver::Hooks{
          .failed = [this](std::size_t pool, std::int64_t replica) { fail(pool, replica); },
          .noticed = [this](const auto& lost, const auto& waiting) { retry(lost, waiting); },
          .restored = [this] { welcome_back(); }});
}

void Service::fail(std::size_t pool, std::int64_t replica) {
  if (!handover_) return;
  const bool prefills = surroundings_[pool].deployment.role == PoolRole::kPrefill;
  prefills ? handover_->lose_sender(replica) : handover_->lose_receiver(replica);
  engine_.after(Seconds(0), [this] { handover_->send_off(); });
}

void Service::retry(const std::vector<Interrupted>& lost, const std::vector<Interrupted>& waiting) {
  for (const Interrupted& request : lost) {
    if (place_or_refuse(request)) ++records_.faults.retried;
  }
  for (const Interrupted& request : waiting) place_or_refuse(request);
  refuse_prompts();
  observe();
  stop_if_done();
}

// What waits for a replica that is still down may find a better one now.
void Service::welcome_back() {
  for (Replica& replica : handover_ ? prefill_replicas_ : replicas_) {
    if (replica.standing() != Replica::Standing::kDown) continue;
    for (const Interrupted& request : replica.give_away()) place_or_refuse(request);
  }
  if (handover_) handover_->send_off();
  observe();
  stop_if_done();
}

bool Service::place_or_refuse(const Interrupted& request) {
  if (place(request) == Placing::kTaken) return true;
  refuse(request);
  return false;
}

bool Service::can_ever_decode() const {
  return !handover_ || std::any_of(replicas_.begin(), replicas_.end(), [](const Replica& replica) {
    return replica.standing() != Replica::Standing::kDown || replica.back();
  });
}

// Prompts that no decode worker will ever take.
void Service::refuse_prompts() {
  if (!handover_ || can_ever_decode()) return;
  for (const Prefilled& prompt : handover_->withdraw()) {
    Replica& sender = prefill_replicas_[static_cast<std::size_t>(prompt.replica)];
    sender.batchers()[static_cast<std::size_t>(prompt.dp_rank)].release(prompt);
    refuse({prompt.request, prompt.arrival, prompt.first_token, prompt.delivered, prompt.highest});
    sender.wake();
  }
}

void Service::refuse(const Interrupted& request) {
  ++records_.faults.unavailable;
  reject(request);
  if (workload_.kind == ArrivalKind::kClosedLoop) send_next();
}

}  // namespace moesim
