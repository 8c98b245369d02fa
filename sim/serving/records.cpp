#include "sim/serving/records.h"

#include <algorithm>
#include <numeric>

namespace moesim {

namespace {

constexpr std::size_t kMostPoints = 1024;
constexpr double kWaitingShare = 0.05;
constexpr double kGrowth = 1.5;

bool met(const ServiceLevel& slo, Seconds ttft, const std::optional<Seconds>& tpot) {
  if (slo.ttft_p99 && ttft > *slo.ttft_p99) return false;
  return !slo.tpot_p99 || !tpot || *tpot <= *slo.tpot_p99;
}

double mean(const std::vector<std::int64_t>& values, std::size_t first, std::size_t last) {
  const double sum = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(first),
                                     values.begin() + static_cast<std::ptrdiff_t>(last), 0.0);
  return sum / static_cast<double>(last - first);
}

void add(TrafficTotals& sum, const TrafficTotals& part, double share) {
  sum.tensor_parallel += part.tensor_parallel * share;
  sum.dispatch += part.dispatch * share;
  sum.combine += part.combine * share;
  sum.pipeline += part.pipeline * share;
  sum.weight_moves += part.weight_moves * share;
  sum.kv_transfer += part.kv_transfer * share;
  sum.scale_up_sent += part.scale_up_sent * share;
  sum.scale_up_received += part.scale_up_received * share;
  sum.scale_out_sent += part.scale_out_sent * share;
  sum.scale_out_received += part.scale_out_received * share;
}

}  // namespace

void Records::add(const StepOutcome& outcome, const Deployment& deployment,
                  const ServiceLevel& slo) {
  const auto seen = [&](Seconds wait) {
    return (wait + deployment.serving.request_overhead) * deployment.error.first_token;
  };
  for (const Seconds wait : outcome.first_token_waits) ttft_s.push_back(seen(wait).value());
  for (const RequestTimes& request : outcome.completed) {
    const Seconds ttft = seen(request.first_token - request.arrival);
    const Seconds decoding = request.last_token - request.first_token;
    std::optional<Seconds> tpot;
    if (request.output_tokens > 1) {
      tpot = decoding / static_cast<double>(request.output_tokens - 1);
      tpot_s.push_back(tpot->value());
    }
    e2e_s.push_back((ttft + decoding).value());
    ++completed;
    if (met(slo, ttft, tpot)) ++within_limits;
  }
}

void Records::add(const StageCost& cost, std::int64_t first_device, double prefill_share,
                  double elapsed) {
  for (std::size_t r = 0; r < cost.ranks.size(); ++r) {
    DeviceLedger& device = devices[first_device + r];
    for (int a = 0; a < kNumActivities; ++a) {
      device.time[a] += cost.ranks[r].time[a] * elapsed;
      device.energy[a] += cost.ranks[r].energy[a] * elapsed;
    }
    device.measured += cost.ranks[r].measured * elapsed;
    const Joules joules = cost.ranks[r].total_energy() * elapsed;
    prefill_energy += joules * prefill_share;
    decode_energy += joules * (1 - prefill_share);
  }
  moesim::add(traffic, cost.traffic, elapsed);
  network.add(cost, first_device, prefill_share > 0, elapsed, devices.size());
}

void QueueSeries::add(const QueuePoint& point) {
  points_.push_back(point);
  if (points_.size() < kMostPoints) return;
  for (std::size_t i = 0; 2 * i < points_.size(); ++i) points_[i] = points_[2 * i];
  points_.resize((points_.size() + 1) / 2);
  stride_ *= 2;
}

bool queue_grows(const std::vector<std::int64_t>& waiting_seen) {
  const std::size_t n = waiting_seen.size();
  if (n < 4) return false;
  const double before = mean(waiting_seen, n / 4, n / 2);
  const double late = mean(waiting_seen, n - n / 4, n);
  return late > kWaitingShare * static_cast<double>(n) && late > kGrowth * before;
}

}  // namespace moesim
