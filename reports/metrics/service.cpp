// Requests, latency and throughput.
#include <algorithm>

#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

// A count of the summary; nothing for a case that did not run.
template <auto Member>
Out count(In in) {
  if (!in.summary) return std::nullopt;
  return static_cast<double>(in.summary->*Member);
}

// A rate over the measured time.
template <auto Member>
Out rate(In in) {
  if (!in.summary) return std::nullopt;
  return quotient(static_cast<double>(in.summary->*Member), in.summary->horizon.value());
}

// A latency statistic. percentiles() gives zeros for no values, and no real latency is zero.
template <auto Latency, auto Statistic>
Out latency(In in) {
  if (!in.summary || !((in.summary->*Latency).mean > 0)) return std::nullopt;
  return in.summary->*Latency.*Statistic;
}

bool has_limits(In in) {
  return in.workload && (in.workload->slo.ttft_p99 || in.workload->slo.tpot_p99);
}

Out slo_attainment(In in) {
  if (!in.summary || !has_limits(in) || in.summary->completed == 0) return std::nullopt;
  return in.summary->slo_attainment;
}

bool within(const std::optional<Seconds>& limit, const Percentiles& reached) {
  return !limit || reached.p99 <= limit->value();
}

Out slo_met(In in) {
  if (!in.summary || !has_limits(in)) return std::nullopt;
  const ServiceLevel& slo = in.workload->slo;
  return in.summary->completed > 0 && within(slo.ttft_p99, in.summary->ttft_s) &&
                 within(slo.tpot_p99, in.summary->tpot_s)
             ? 1
             : 0;
}

template <auto Limit>
Out limit(In in) {
  if (!in.workload || !(in.workload->slo.*Limit)) return std::nullopt;
  return (in.workload->slo.*Limit)->value();
}

Out goodput(In in) {
  const Out attained = slo_attainment(in);
  const Out completed = rate<&Summary::completed>(in);
  if (!attained || !completed) return std::nullopt;
  return *attained * *completed;
}

Out output_per_device(In in) {
  const Out rate_of_all = rate<&Summary::output_tokens_done>(in);
  if (!rate_of_all) return std::nullopt;
  return quotient(*rate_of_all, static_cast<double>(in.deployment.cluster.num_devices()));
}

// Time mean of the waiting requests, from the moments that the summary keeps.
Out waiting_mean(In in) {
  if (!in.summary || in.summary->queue.empty()) return std::nullopt;
  const std::vector<QueuePoint>& queue = in.summary->queue;
  const Seconds begin = in.summary->window.from, end = begin + in.summary->horizon;
  double waited = 0;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Seconds until = i + 1 < queue.size() ? queue[i + 1].time : end;
    const Seconds from = std::max(begin, queue[i].time);
    waited += static_cast<double>(queue[i].waiting) * std::max(0.0, (until - from).value());
  }
  return quotient(waited, in.summary->horizon.value());
}

Out horizon(In in) {
  if (!in.summary) return std::nullopt;
  return in.summary->horizon.value();
}

}  // namespace

std::vector<MetricRow> request_metrics() {
  const std::string g = "requests";
  return {
      {kRequestsArrived, "requests_arrived", "requests arrived", g, "count",
       "Requests that arrived.", count<&Summary::arrived>},
      {kRequestsCompleted, "requests_completed", "requests completed", g, "count",
       "Requests whose last token was sent.", count<&Summary::completed>},
      {kRequestsRejected, "requests_rejected", "requests rejected", g, "count",
       "Requests refused because they can never fit, or because no replica is available.",
       count<&Summary::rejected>},
      {kRequestsRejectedContext, "requests_rejected_context", "rejected: longer than the context",
       g, "count", "Of the rejected: prompt and answer exceed the model's context length.",
       count<&Summary::rejected_context>},
      {kRequestsInFlight, "requests_in_flight", "requests in flight", g, "count",
       "Requests still waiting or running when the run ended.", count<&Summary::in_flight>},
      {kPreemptions, "preemptions", "preemptions", g, "count",
       "Times that a running request lost its KV blocks and had to start again.",
       count<&Summary::preemptions>},
      {kRecomputedTokens, "recomputed_tokens", "recomputed tokens", g, "count",
       "Prompt and output tokens computed again after preemptions and failures.",
       count<&Summary::recomputed_tokens>},
      {kInputTokens, "input_tokens", "input tokens", g, "count", "Prompt tokens processed.",
       count<&Summary::input_tokens_done>},
      {kOutputTokens, "output_tokens", "output tokens", g, "count", "Tokens generated.",
       count<&Summary::output_tokens_done>},
      {kSloAttainmentShare, "slo_attainment_share", "SLO attainment", g, "share",
       "Completed requests within every limit of the service level.", slo_attainment},
      {kSloMet, "slo_met", "SLO met", g, "0/1",
       "1 if P99 of TTFT and TPOT are within their limits.", slo_met},
      {kSloTtftP99, "slo_ttft_p99_s", "TTFT P99 limit", g, "s", "Limit given for TTFT P99.",
       limit<&ServiceLevel::ttft_p99>},
      {kSloTpotP99, "slo_tpot_p99_s", "TPOT P99 limit", g, "s", "Limit given for TPOT P99.",
       limit<&ServiceLevel::tpot_p99>},
      {kSaturated, "saturated", "saturated", g, "0/1",
       "1 if more requests arrive than can be served: its latencies grow as long as it runs.",
       count<&Summary::saturated>},
  };
}

std::vector<MetricRow> latency_metrics() {
  const std::string g = "latency";
  const std::string ttft = "Time to first token: from arrival to the first output token, ";
  const std::string tpot = "Time per output token after the first, ";
  const std::string e2e = "End-to-end time of a request: from arrival to the last token, ";
  constexpr auto kTtft = &Summary::ttft_s;
  constexpr auto kTpot = &Summary::tpot_s;
  constexpr auto kE2e = &Summary::e2e_s;
  constexpr auto kMean = &Percentiles::mean;
  constexpr auto kP50 = &Percentiles::p50;
  constexpr auto kP90 = &Percentiles::p90;
  constexpr auto kP99 = &Percentiles::p99;
  return {
      {kTtftMean, "ttft_mean_s", "TTFT mean", g, "s", ttft + "mean.", latency<kTtft, kMean>},
      {kTtftP50, "ttft_p50_s", "TTFT P50", g, "s", ttft + "median.", latency<kTtft, kP50>},
      {kTtftP90, "ttft_p90_s", "TTFT P90", g, "s", ttft + "90th percentile.", latency<kTtft, kP90>},
      {kTtftP99, "ttft_p99_s", "TTFT P99", g, "s", ttft + "99th percentile.", latency<kTtft, kP99>},
      {kTpotMean, "tpot_mean_s", "TPOT mean", g, "s", tpot + "mean.", latency<kTpot, kMean>},
      {kTpotP50, "tpot_p50_s", "TPOT P50", g, "s", tpot + "median.", latency<kTpot, kP50>},
      {kTpotP90, "tpot_p90_s", "TPOT P90", g, "s", tpot + "90th percentile.", latency<kTpot, kP90>},
      {kTpotP99, "tpot_p99_s", "TPOT P99", g, "s", tpot + "99th percentile.", latency<kTpot, kP99>},
      {kE2eMean, "e2e_mean_s", "end-to-end mean", g, "s", e2e + "mean.", latency<kE2e, kMean>},
      {kE2eP50, "e2e_p50_s", "end-to-end P50", g, "s", e2e + "median.", latency<kE2e, kP50>},
      {kE2eP90, "e2e_p90_s", "end-to-end P90", g, "s", e2e + "90th percentile.",
       latency<kE2e, kP90>},
      {kE2eP99, "e2e_p99_s", "end-to-end P99", g, "s", e2e + "99th percentile.",
       latency<kE2e, kP99>},
  };
}

std::vector<MetricRow> throughput_metrics() {
  const std::string g = "throughput";
  return {
      {kHorizon, "horizon_s", "measured time", g, "s",
       "Simulated time that the figures describe: without the warm-up.", horizon},
      {kOutputTokensPerSecond, "output_tokens_per_s", "output tokens/s", g, "token/s",
       "Generated tokens over the measured time.", rate<&Summary::output_tokens_done>},
      {kOutputTokensPerSecondPerDevice, "output_tokens_per_s_per_device", "output tokens/s/device",
       g, "token/s", "Generated tokens over the measured time and every device of the cluster.",
       output_per_device},
      {kInputTokensPerSecond, "input_tokens_per_s", "input tokens/s", g, "token/s",
       "Prompt tokens processed over the measured time.", rate<&Summary::input_tokens_done>},
      {kRequestsPerSecond, "requests_per_s", "requests/s", g, "request/s",
       "Completed requests over the measured time.", rate<&Summary::completed>},
      {kOfferedRequestsPerSecond, "offered_requests_per_s", "requests/s offered", g, "request/s",
       "Arrived requests over the measured time.", rate<&Summary::arrived>},
      {kGoodputRequestsPerSecond, "goodput_requests_per_s", "requests/s within SLO", g, "request/s",
       "Completed requests within the service level over the measured time.", goodput},
      {kMeanBatch, "mean_batch", "mean batch", g, "count",
       "Decoding sequences per step and replica, mean.", count<&Summary::mean_batch>},
      {kRequestsWaitingMean, "requests_waiting_mean", "requests waiting", g, "count",
       "Requests not admitted to a batch yet or preempted, mean over the measured time (from at "
       "most "
       "1,024 "
       "moments of it).",
       waiting_mean},
      {kSteps, "steps", "engine steps", g, "count", "Engine steps of all replicas.",
       count<&Summary::steps>},
      {kDecodeSteps, "decode_steps", "decode-only steps", g, "count",
       "Engine steps without prompt tokens.", count<&Summary::decode_steps>},
  };
}

}  // namespace moesim
