#include "sim/step/step_books.h"

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
  times_ = {};
  host_ = Seconds(0);
  beside_ = Seconds(0);
  journeys_ = {};
  network_free_ = Seconds(0);
  std::fill(lanes_.begin(), lanes_.end(), Lane{});
  std::fill(groups_.begin(), groups_.end(), GroupLane{});
}

void StepBooks::slow_down(const std::vector<double>& slowness) {
  slowness_ = slowness;
  for (std::size_t r = 0; r < slowness_.size(); ++r) {
    Lane& lane = lanes_[r / static_cast<std::size_t>(plan_.tp)];
    GroupLane& group = groups_[group_of(static_cast<std::int64_t>(r))];
    lane.slowness = std::max(lane.slowness, slowness_[r]);
    group.slowness = std::max(group.slowness, slowness_[r]);
  }
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

// What work takes longer because a share s of the device moves data until the network is free:
//   elapsed = work / (1 - s), at most work + s (free - begin)
Seconds StepBooks::slowed(Seconds begin, Seconds work) const {
  const double s = network_share_;
  if (network_free_ <= begin || s <= 0) return Seconds(0);
  return std::min(work * (s / (1 - s)), (network_free_ - begin) * s);
}

void StepBooks::work(std::int64_t dp_rank, const WorkCost& cost, Phase phase) {
  Lane& lane = lanes_[dp_rank];
  const Seconds time = cost.time() * lane.slowness;
  const Seconds extra = slowed(lane.clock, time);
  lane.work += cost;
  lane.communication += extra;
  advance(dp_rank, time + extra, phase);
}

// Linear kernels run on both sides of the attention core; the log has them all after it.
void StepBooks::work_layer(std::int64_t dp_rank, const WorkCost& cost, Seconds attention) {
  Lane& lane = lanes_[dp_rank];
  const Seconds begin = lane.clock;
  const Seconds time = cost.time() * lane.slowness;
  const Seconds extra = slowed(begin, time);
  lane.work += cost;
  lane.communication += extra;
  lane.clock += time + extra;
  if (!log_) return;
  const Seconds core = begin + attention * lane.slowness;
  log_->add_lane(Phase::kAttention, dp_rank, begin, core);
  log_->add_lane(Phase::kLinear, dp_rank, core, lane.clock);
}

void StepBooks::communicate(std::int64_t dp_rank, const CollectiveCost& cost, Seconds hidden,
                            Phase phase) {
  Lane& lane = lanes_[dp_rank];
  advance(dp_rank, cost.time - hidden, phase);
  lane.communication += cost.time - hidden;
  lane.hidden += hidden;
  times_.phases[static_cast<std::size_t>(phase)] += cost.time - hidden;
  if (phase == Phase::kAllReduce && cost.time > Seconds(0)) {
    times_.all_reduces[static_cast<std::size_t>(cost.algorithm)] += 1;
  }
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

void StepBooks::post(std::size_t half, const CollectiveCost& cost, Phase phase,
                     double device_share) {
  Seconds begin = network_free_;
  for (Lane& lane : lanes_) {
    begin = std::max(begin, lane.clock);
    lane.scale_up += cost.scale_up_sent;
    lane.scale_out += cost.scale_out_sent;
  }
  journeys_[half] = {true, phase, begin, cost.time, begin + cost.time};
  network_free_ = journeys_[half].end;
  if (phase == Phase::kDispatch) times_.dispatching += cost.time;
  network_share_ = device_share;
}

void StepBooks::await(std::size_t half) {
  Journey& journey = journeys_[half];
  if (!journey.is_open) return;
  journey.is_open = false;
  for (std::size_t d = 0; d < lanes_.size(); ++d) {
    Lane& lane = lanes_[d];
    const auto rank = static_cast<std::int64_t>(d);
    Seconds seen = journey.time;
    if (lane.clock <= journey.begin) {
      lane.wait += journey.begin - lane.clock;
      if (log_) log_->add_lane(Phase::kWait, rank, lane.clock, journey.begin);
    } else {
      seen = std::max(journey.end - lane.clock, Seconds(0));
      lane.hidden += journey.time - seen;
    }
    lane.communication += seen;
    times_.phases[static_cast<std::size_t>(journey.phase)] += seen;
    const Seconds end = std::max(lane.clock, journey.end);
    if (log_) log_->add_lane(journey.phase, rank, std::max(lane.clock, journey.begin), end);
    lane.clock = end;
  }
}

void StepBooks::work_experts(std::int64_t group, const WorkCost& cost) {
  GroupLane& lane = groups_[group];
  lane.work += cost;
  lane.phase = cost.time() * lane.slowness;
}

void StepBooks::close_experts() {
  meet();
  Seconds slowest;
  for (const GroupLane& group : groups_) slowest = std::max(slowest, group.phase);
  const Seconds begin = lanes_.front().clock;
  const Seconds extra = slowed(begin, slowest);
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
  for (Lane& lane : lanes_) {
    lane.clock += slowest + extra;
    lane.communication += extra;
  }
}

Seconds StepBooks::close(const PortLoads* exchanged, std::vector<DeviceLedger>& ranks) {
  meet();
  prepare(std::max(beside_ - lanes_.front().clock, Seconds(0)));
  ranks.resize(plan_.stage_ranks());
  for (std::int64_t r = 0; r < plan_.stage_ranks(); ++r) ranks[r] = rank_ledger(r, exchanged);
  if (log_) log_->stretch(error_.step_time);
  for (Seconds& time : times_.phases) {
    time = time * (error_.step_time * static_cast<double>(plan_.tp));
  }
  times_.dispatching = times_.dispatching * error_.step_time;
  times_.total = lanes_.front().clock * (error_.step_time * static_cast<double>(ranks.size()));
  return lanes_.front().clock * error_.step_time;
}

// A slow device does the same work in more time: its joules, and waiting power for the time added.
template <class LaneOrGroup>
void StepBooks::book_work(const LaneOrGroup& lane, std::int64_t rank, DeviceLedger& ledger) const {
  if (slowness_.empty()) return book(lane.work, ledger);
  const double own = slowness_[static_cast<std::size_t>(rank)];
  DeviceLedger work;
  book(lane.work, work);
  for (int a = 0; a < kNumActivities; ++a) {
    const Seconds added = work.time[a] * (own - 1);
    ledger.add(static_cast<Activity>(a), work.time[a] + added,
               work.energy[a] + device_.waiting_power() * added);
  }
  ledger.measured += work.measured * own;
  const Seconds wait = lane.work.time() * (lane.slowness - own);
  ledger.add(Activity::kImbalanceWait, wait, device_.waiting_power() * wait);
}

DeviceLedger StepBooks::rank_ledger(std::int64_t rank, const PortLoads* exchanged) const {
  const Lane& lane = lanes_[rank / plan_.tp];
  const GroupLane& group = groups_[group_of(rank)];
  DeviceLedger ledger;
  book_work(lane, rank, ledger);
  book_work(group, rank, ledger);
  ledger.add(Activity::kOverhead, host_, device_.waiting_power() * host_);
  const Seconds wait = lane.wait + group.wait;
  ledger.add(Activity::kImbalanceWait, wait, device_.waiting_power() * wait);
  if (lane.communication + lane.hidden > Seconds(0))
    book_communication(lane, rank, exchanged, ledger);
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
  const Seconds moving = lane.communication + lane.hidden;
  const double utilisation = link > BytesPerSecond(0) ? sent / moving / link : 0;
  const Watts power = device_.communication_power(utilisation);
  // Beside work, only what the moving bytes add.
  ledger.add(Activity::kCommunication, lane.communication,
             power * lane.communication + (power - device_.communication_power(0)) * lane.hidden);
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
