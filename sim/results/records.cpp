#include "sim/results/records.h"

namespace moesim {

namespace {

// Time to first token as a client sees it.
Seconds seen(Seconds wait, const Deployment& deployment) {
  return (wait + deployment.serving.request_time) * deployment.error.first_token;
}

bool met(const ServiceLevel& slo, Seconds ttft, const std::optional<Seconds>& tpot) {
  if (slo.ttft_p99 && ttft > *slo.ttft_p99) return false;
  return !slo.tpot_p99 || !tpot || *tpot <= *slo.tpot_p99;
}

}  // namespace

void Records::add_first_tokens(std::span<const Seconds> waits, const Deployment& deployment) {
  for (const Seconds wait : waits) ttft_s.push_back(seen(wait, deployment).value());
}

void Records::add_completed(std::span<const RequestTimes> requests, const Deployment& deployment,
                            const ServiceLevel& slo) {
  for (const RequestTimes& request : requests) {
    const Seconds ttft = seen(request.first_token - request.arrival, deployment);
    const Seconds decoding = request.last_token - request.first_token;
    std::optional<Seconds> tpot;
    if (request.output_tokens > 1) {
      tpot = decoding / static_cast<double>(request.output_tokens - 1);
      tpot_s.push_back(tpot->value());
    }
    e2e_s.push_back((ttft + decoding).value());
    ++completed;
    if (met(slo, ttft, tpot)) ++within_slo;
  }
}

void Records::add(const StageCost& cost, std::int64_t first_device, double prefill_share,
                  double elapsed) {
  for (std::size_t r = 0; r < cost.ranks.size(); ++r) {
    devices[first_device + r].add(cost.ranks[r], elapsed);
    const Joules joules = cost.ranks[r].total_energy() * elapsed;
    prefill_energy += joules * prefill_share;
    decode_energy += joules * (1 - prefill_share);
  }
  traffic.add(cost.traffic, elapsed);
  network.add(cost, first_device, prefill_share > 0, elapsed, devices.size());
}

}  // namespace moesim
