#include "sim/step/step_timeline.h"

#include <algorithm>

namespace moesim {

namespace {

void scale(const ModelError& error, DeviceLedger& ledger) {
  for (Seconds& time : ledger.time) time *= error.step_time;
  for (Joules& energy : ledger.energy) energy *= error.step_time * error.device_power;
  ledger.measured *= error.step_time;
}

// A power limiter averages over tens of milliseconds, about the length of a step; shorter peaks
// pass.
void limit_power(Watts limit, DeviceLedger& ledger) {
  const Joules drawn = ledger.total_energy();
  const Joules most = limit * ledger.total_time();
  if (drawn <= most) return;
  for (Joules& energy : ledger.energy) energy *= most / drawn;
}

}  // namespace

StepTimeline::StepTimeline(const ParallelPlan& plan, const DeviceModel& device,
                           const ModelError& error)
    : plan_(plan), device_(device), error_(error), dp_ranks_(plan.attention_dp), groups_(plan.ep) {}

void StepTimeline::open(SpanLog* log) {
  log_ = log;
  times_ = {};
  host_ = Seconds(0);
  overlapped_host_ = Seconds(0);
  transfers_ = {};
  network_free_ = Seconds(0);
  std::fill(dp_ranks_.begin(), dp_ranks_.end(), DpRank{});
  std::fill(groups_.begin(), groups_.end(), EpGroup{});
}

void StepTimeline::slow_down(const std::vector<double>& slowness) {
  slowness_ = slowness;
  for (std::size_t r = 0; r < slowness_.size(); ++r) {
    DpRank& dp_rank = dp_ranks_[r / static_cast<std::size_t>(plan_.tp)];
    EpGroup& group = groups_[group_of(static_cast<std::int64_t>(r))];
    dp_rank.slowness = std::max(dp_rank.slowness, slowness_[r]);
    group.slowness = std::max(group.slowness, slowness_[r]);
  }
}

void StepTimeline::advance(std::size_t dp_rank, Seconds time, Phase phase) {
  const Seconds begin = dp_ranks_[dp_rank].clock;
  dp_ranks_[dp_rank].clock += time;
  if (log_)
    log_->add_dp_rank(phase, static_cast<std::int64_t>(dp_rank), begin, dp_ranks_[dp_rank].clock);
}

void StepTimeline::run_host(Seconds time) {
  host_ += time;
  for (std::size_t d = 0; d < dp_ranks_.size(); ++d) advance(d, time, Phase::kHost);
}

// While the network is busy, a share s of the device moves data:
//   elapsed = work / (1 - s), at most work + s (free - begin)
Seconds StepTimeline::slowed(Seconds begin, Seconds work) const {
  const double s = network_share_;
  if (network_free_ <= begin || s <= 0) return Seconds(0);
  return std::min(work * (s / (1 - s)), (network_free_ - begin) * s);
}

void StepTimeline::work(std::int64_t dp_rank, const WorkCost& cost, Phase phase) {
  DpRank& rank = dp_ranks_[dp_rank];
  const Seconds time = cost.time() * rank.slowness;
  const Seconds extra = slowed(rank.clock, time);
  rank.work += cost;
  rank.communication += extra;
  advance(dp_rank, time + extra, phase);
}

// Linear kernels run before and after the attention core; the log shows all of them after it.
void StepTimeline::work_layer(std::int64_t dp_rank, const WorkCost& cost, Seconds attention) {
  DpRank& rank = dp_ranks_[dp_rank];
  const Seconds begin = rank.clock;
  const Seconds time = cost.time() * rank.slowness;
  const Seconds extra = slowed(begin, time);
  rank.work += cost;
  rank.communication += extra;
  rank.clock += time + extra;
  if (!log_) return;
  const Seconds core = begin + attention * rank.slowness;
  log_->add_dp_rank(Phase::kAttention, dp_rank, begin, core);
  log_->add_dp_rank(Phase::kLinear, dp_rank, core, rank.clock);
}

void StepTimeline::communicate(std::int64_t dp_rank, const CollectiveCost& cost, Seconds hidden,
                               Phase phase) {
  DpRank& rank = dp_ranks_[dp_rank];
  advance(dp_rank, cost.time - hidden, phase);
  rank.communication += cost.time - hidden;
  rank.hidden += hidden;
  times_.phases[phase] += cost.time - hidden;
  if (phase == Phase::kAllReduce && cost.time > Seconds(0)) {
    times_.all_reduces[cost.algorithm] += 1;
  }
  rank.scale_up += cost.scale_up_sent;
  rank.scale_out += cost.scale_out_sent;
}

void StepTimeline::synchronise() {
  Seconds latest;
  for (const DpRank& dp_rank : dp_ranks_) latest = std::max(latest, dp_rank.clock);
  for (std::size_t d = 0; d < dp_ranks_.size(); ++d) {
    DpRank& dp_rank = dp_ranks_[d];
    dp_rank.wait += latest - dp_rank.clock;
    if (log_) log_->add_dp_rank(Phase::kWait, static_cast<std::int64_t>(d), dp_rank.clock, latest);
    dp_rank.clock = latest;
  }
}

void StepTimeline::post(std::size_t half, const CollectiveCost& cost, Phase phase,
                        double device_share) {
  Seconds begin = network_free_;
  for (DpRank& dp_rank : dp_ranks_) {
    begin = std::max(begin, dp_rank.clock);
    dp_rank.scale_up += cost.scale_up_sent;
    dp_rank.scale_out += cost.scale_out_sent;
  }
  transfers_[half] = {true, phase, begin, cost.time, begin + cost.time};
  network_free_ = transfers_[half].end;
  if (phase == Phase::kDispatch) times_.dispatching += cost.time;
  network_share_ = device_share;
}

void StepTimeline::await(std::size_t half) {
  Transfer& transfer = transfers_[half];
  if (!transfer.is_open) return;
  transfer.is_open = false;
  for (std::size_t d = 0; d < dp_ranks_.size(); ++d) {
    DpRank& dp_rank = dp_ranks_[d];
    const auto rank = static_cast<std::int64_t>(d);
    Seconds seen = transfer.time;
    if (dp_rank.clock <= transfer.begin) {
      dp_rank.wait += transfer.begin - dp_rank.clock;
      if (log_) log_->add_dp_rank(Phase::kWait, rank, dp_rank.clock, transfer.begin);
    } else {
      seen = std::max(transfer.end - dp_rank.clock, Seconds(0));
      dp_rank.hidden += transfer.time - seen;
    }
    dp_rank.communication += seen;
    times_.phases[transfer.phase] += seen;
    const Seconds end = std::max(dp_rank.clock, transfer.end);
    if (log_) log_->add_dp_rank(transfer.phase, rank, std::max(dp_rank.clock, transfer.begin), end);
    dp_rank.clock = end;
  }
}

void StepTimeline::work_experts(std::int64_t group, const WorkCost& cost) {
  EpGroup& ep_group = groups_[group];
  ep_group.work += cost;
  ep_group.phase = cost.time() * ep_group.slowness;
}

void StepTimeline::close_experts() {
  synchronise();
  Seconds slowest;
  for (const EpGroup& group : groups_) slowest = std::max(slowest, group.phase);
  const Seconds begin = dp_ranks_.front().clock;
  const Seconds extra = slowed(begin, slowest);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    EpGroup& group = groups_[g];
    group.wait += slowest - group.phase;
    if (log_) {
      const auto member = static_cast<std::int64_t>(g);
      log_->add_group(Phase::kExperts, member, begin, begin + group.phase);
      log_->add_group(Phase::kWait, member, begin + group.phase, begin + slowest);
    }
    group.phase = Seconds(0);
  }
  for (DpRank& dp_rank : dp_ranks_) {
    dp_rank.clock += slowest + extra;
    dp_rank.communication += extra;
  }
}

Seconds StepTimeline::close(const PortLoads* exchanged, std::vector<DeviceLedger>& ranks) {
  synchronise();
  run_host(std::max(overlapped_host_ - dp_ranks_.front().clock, Seconds(0)));
  ranks.resize(plan_.stage_ranks());
  for (std::int64_t r = 0; r < plan_.stage_ranks(); ++r) ranks[r] = rank_ledger(r, exchanged);
  if (log_) log_->stretch(error_.step_time);
  for (Seconds& time : times_.phases) {
    time = time * (error_.step_time * static_cast<double>(plan_.tp));
  }
  times_.dispatching = times_.dispatching * error_.step_time;
  times_.total = dp_ranks_.front().clock * (error_.step_time * static_cast<double>(ranks.size()));
  return dp_ranks_.front().clock * error_.step_time;
}

// A slow device does the same work in more time: the same joules, plus waiting power in the time
// added.
template <class Members>
void StepTimeline::charge_work(const Members& members, std::int64_t rank,
                               DeviceLedger& ledger) const {
  if (slowness_.empty()) return charge(members.work, ledger);
  const double own = slowness_[static_cast<std::size_t>(rank)];
  DeviceLedger work;
  charge(members.work, work);
  for (std::size_t a = 0; a < work.time.size(); ++a) {
    const Seconds added = work.time[a] * (own - 1);
    ledger.time[a] += work.time[a] + added;
    ledger.energy[a] += work.energy[a] + device_.waiting_power() * added;
  }
  ledger.measured += work.measured * own;
  const Seconds wait = members.work.time() * (members.slowness - own);
  ledger.add(Activity::kImbalanceWait, wait, device_.waiting_power() * wait);
}

DeviceLedger StepTimeline::rank_ledger(std::int64_t rank, const PortLoads* exchanged) const {
  const DpRank& dp_rank = dp_ranks_[rank / plan_.tp];
  const EpGroup& group = groups_[group_of(rank)];
  DeviceLedger ledger;
  charge_work(dp_rank, rank, ledger);
  charge_work(group, rank, ledger);
  ledger.add(Activity::kOverhead, host_, device_.waiting_power() * host_);
  const Seconds wait = dp_rank.wait + group.wait;
  ledger.add(Activity::kImbalanceWait, wait, device_.waiting_power() * wait);
  if (dp_rank.communication + dp_rank.hidden > Seconds(0))
    charge_communication(dp_rank, rank, exchanged, ledger);
  scale(error_, ledger);
  limit_power(device_.power_limit(), ledger);
  return ledger;
}

void StepTimeline::charge_communication(const DpRank& dp_rank, std::int64_t rank,
                                        const PortLoads* exchanged, DeviceLedger& ledger) const {
  Bytes sent = dp_rank.scale_up + dp_rank.scale_out;
  if (exchanged != nullptr && !exchanged->scale_up_out.empty()) {
    sent += Bytes(exchanged->scale_up_out[rank] + exchanged->scale_out_out[rank]);
  }
  const BytesPerSecond link = device_.device().link_bandwidth;
  const Seconds moving = dp_rank.communication + dp_rank.hidden;
  const double utilisation = link > BytesPerSecond(0) ? sent / moving / link : 0;
  const Watts power = device_.communication_power(utilisation);
  // While overlapped with compute, charge only the extra power of moving bytes.
  ledger.add(
      Activity::kCommunication, dp_rank.communication,
      power * dp_rank.communication + (power - device_.communication_power(0)) * dp_rank.hidden);
}

Bytes StepTimeline::collective_scale_up() const {
  Bytes sum;
  for (const DpRank& dp_rank : dp_ranks_) sum += dp_rank.scale_up;
  return sum * static_cast<double>(plan_.tp);
}

Bytes StepTimeline::collective_scale_out() const {
  Bytes sum;
  for (const DpRank& dp_rank : dp_ranks_) sum += dp_rank.scale_out;
  return sum * static_cast<double>(plan_.tp);
}

}  // namespace moesim
