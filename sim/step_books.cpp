#include "sim/step_books.h"

#include <algorithm>

namespace moesim {

namespace {

void apply(const ModelError& error, DeviceLedger& ledger) {
  for (Seconds& time : ledger.time) time *= error.step_time;
  for (Joules& energy : ledger.energy) energy *= error.step_time * error.device_power;
  ledger.measured *= error.step_time;
}

// A power limiter averages over tens of milliseconds, about a step: shorter peaks pass.
void limit_power(Watts limit, DeviceLedger& ledger) {
  const Joules drawn = ledger.total_energy();
  const Joules most = limit * ledger.total_time();
  if (drawn <= most) return;
  for (Joules& energy : ledger.energy) energy *= most / drawn;
}

}  // namespace

StepBooks::StepBooks(const ParallelPlan& plan, const DeviceModel& device, const ModelError& error)
    : plan_(plan), device_(device), error_(error), lanes_(plan.attention_dp), groups_(plan.ep) {}

void StepBooks::open(SpanLog* log) {
  log_ = log;
  host_ = Seconds(0);
  beside_ = Seconds(0);
  std::fill(lanes_.begin(), lanes_.end(), Lane{});
  std::fill(groups_.begin(), groups_.end(), GroupLane{});
}

void StepBooks::advance(std::size_t lane, Seconds time, Phase phase) {
  const Seconds begin = lanes_[lane].clock;
  lanes_[lane].clock += time;
  if (log_) log_->add_lane(phase, static_cast<std::int64_t>(lane), begin, lanes_[lane].clock);
}

void StepBooks::prepare(Seconds host) {
  host_ += host;
  for (std::size_t d = 0; d < lanes_.size(); ++d) advance(d, host, Phase::kHost);
}

void StepBooks::work(std::int64_t dp_rank, const WorkCost& cost, Phase phase) {
  lanes_[dp_rank].work += cost;
  advance(dp_rank, cost.time(), phase);
}

// Linear kernels run on both sides of the attention core; the log has them all after it.
void StepBooks::work_layer(std::int64_t dp_rank, const WorkCost& cost, Seconds attention) {
  Lane& lane = lanes_[dp_rank];
  const Seconds begin = lane.clock;
  lane.work += cost;
  lane.clock += cost.time();
  if (!log_) return;
  log_->add_lane(Phase::kAttention, dp_rank, begin, begin + attention);
  log_->add_lane(Phase::kLinear, dp_rank, begin + attention, lane.clock);
}

void StepBooks::communicate(std::int64_t dp_rank, const CollectiveCost& cost, Phase phase) {
  Lane& lane = lanes_[dp_rank];
  advance(dp_rank, cost.time, phase);
  lane.communication += cost.time;
  lane.scale_up += cost.scale_up_sent;
  lane.scale_out += cost.scale_out_sent;
}

void StepBooks::meet() {
  Seconds latest;
  for (const Lane& lane : lanes_) latest = std::max(latest, lane.clock);
  for (std::size_t d = 0; d < lanes_.size(); ++d) {
    Lane& lane = lanes_[d];
    lane.wait += latest - lane.clock;
    if (log_) log_->add_lane(Phase::kWait, static_cast<std::int64_t>(d), lane.clock, latest);
    lane.clock = latest;
  }
}

void StepBooks::communicate_all(const CollectiveCost& cost, Phase phase) {
  for (std::size_t d = 0; d < lanes_.size(); ++d) {
    communicate(static_cast<std::int64_t>(d), cost, phase);
  }
}

void StepBooks::work_experts(std::int64_t group, const WorkCost& cost) {
  GroupLane& lane = groups_[group];
  lane.work += cost;
  lane.phase = cost.time();
}

// All lanes have met where there are several.
void StepBooks::close_experts() {
  Seconds slowest;
  for (const GroupLane& group : groups_) slowest = std::max(slowest, group.phase);
  const Seconds begin = lanes_.front().clock;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    GroupLane& group = groups_[g];
    group.wait += slowest - group.phase;
    if (log_) {
      const auto member = static_cast<std::int64_t>(g);
      log_->add_group(Phase::kExperts, member, begin, begin + group.phase);
      log_->add_group(Phase::kWait, member, begin + group.phase, begin + slowest);
    }
    group.phase = Seconds(0);
  }
  for (Lane& lane : lanes_) lane.clock += slowest;
}

Seconds StepBooks::close(const PortLoads* exchanged, std::vector<DeviceLedger>& ranks) {
  meet();
  prepare(std::max(beside_ - lanes_.front().clock, Seconds(0)));
  ranks.resize(plan_.stage_ranks());
  for (std::int64_t r = 0; r < plan_.stage_ranks(); ++r) ranks[r] = rank_ledger(r, exchanged);
  if (log_) log_->stretch(error_.step_time);
  return lanes_.front().clock * error_.step_time;
}

DeviceLedger StepBooks::rank_ledger(std::int64_t rank, const PortLoads* exchanged) const {
  const Lane& lane = lanes_[rank / plan_.tp];
  const GroupLane& group = groups_[rank * plan_.ep / plan_.stage_ranks()];
  DeviceLedger ledger;
  book(lane.work, ledger);
  book(group.work, ledger);
  ledger.add(Activity::kOverhead, host_, device_.waiting_power() * host_);
  const Seconds wait = lane.wait + group.wait;
  ledger.add(Activity::kImbalanceWait, wait, device_.waiting_power() * wait);
  if (lane.communication > Seconds(0)) book_communication(lane, rank, exchanged, ledger);
  apply(error_, ledger);
  limit_power(device_.power_limit(), ledger);
  return ledger;
}

void StepBooks::book_communication(const Lane& lane, std::int64_t rank, const PortLoads* exchanged,
                                   DeviceLedger& ledger) const {
  Bytes sent = lane.scale_up + lane.scale_out;
  if (exchanged != nullptr && !exchanged->scale_up_out.empty()) {
    sent += Bytes(exchanged->scale_up_out[rank] + exchanged->scale_out_out[rank]);
  }
  const BytesPerSecond link = device_.device().link_bandwidth;
  const double utilisation = link > BytesPerSecond(0) ? sent / lane.communication / link : 0;
  ledger.add(Activity::kCommunication, lane.communication,
             device_.communication_power(utilisation) * lane.communication);
}

Bytes StepBooks::collective_scale_up() const {
  Bytes sum;
  for (const Lane& lane : lanes_) sum += lane.scale_up;
  return sum * static_cast<double>(plan_.tp);
}

Bytes StepBooks::collective_scale_out() const {
  Bytes sum;
  for (const Lane& lane : lanes_) sum += lane.scale_out;
  return sum * static_cast<double>(plan_.tp);
}

}  // namespace moesim
