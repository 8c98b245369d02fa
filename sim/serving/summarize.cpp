#include "sim/serving/summarize.h"

#include <algorithm>
#include <numeric>

#include "models/router/bank/load_statistics.h"
#include "sim/results/accounting.h"
#include "sim/results/link_use.h"

namespace moesim {

namespace {

std::int64_t most_blocks(const std::vector<const Batcher*>& batchers) {
  std::int64_t most = 0;
  for (const Batcher* batcher : batchers) most = std::max(most, batcher->pool().peak());
  return most;
}

void summarize_blocks(const std::vector<const Batcher*>& batchers, Summary& summary) {
  for (const Batcher* batcher : batchers) {
    const KvPool& pool = batcher->pool();
    summary.kv_blocks_allocated += pool.allocated();
    summary.kv_blocks_freed += pool.released();
    summary.kv_blocks_held += pool.held();
  }
}

void summarize_tokens(const Service& service, Summary& summary) {
  const Service::Before& before = service.before();
  const TokenCounts counts = service.token_counts();
  summary.input_tokens_before = before.tokens.input_inside;
  summary.input_tokens_done = counts.input_done - before.tokens.input_done;
  summary.input_tokens_inside = counts.input_inside;
  summary.output_tokens_before = before.tokens.output_inside;
  summary.output_tokens_done = counts.output_done - before.tokens.output_done;
  summary.output_tokens_inside = counts.output_inside;
  summary.recomputed_tokens = counts.recomputed - before.tokens.recomputed;
  summary.preemptions = service.preemptions() - before.preemptions;
}

void summarize_requests(const Service& service, Summary& summary) {
  const Records& records = service.records();
  summary.in_flight_before = service.before().in_flight;
  summary.arrived = records.arrived;
  summary.completed = records.completed;
  summary.rejected = records.rejected;
  summary.rejected_context = records.rejected_context;
  summary.in_flight = service.in_flight();
  summary.input_tokens_arrived = records.input_arrived;
  summary.input_tokens_rejected = records.input_rejected;
  summary.output_tokens_asked = records.output_asked;
  summary.output_tokens_rejected = records.output_rejected;
  summarize_tokens(service, summary);
  summarize_blocks(service.batchers(), summary);
  summarize_blocks(service.prefill_batchers(), summary);
  summary.kv_blocks_peak = most_blocks(service.batchers());
  if (!summary.prefill) return;
  summary.prefill->kv_blocks_peak = most_blocks(service.prefill_batchers());
  summary.prefill->handover_s = percentiles(records.kv_handover_s);
}

std::vector<double> round_means(const std::vector<double>& values, std::int64_t users) {
  std::vector<double> means;
  for (auto from = values.begin(); values.end() - from >= users; from += users) {
    means.push_back(std::accumulate(from, from + users, 0.0) / static_cast<double>(users));
  }
  return means;
}

void summarize_latencies(const Service& service, const Workload& workload, Summary& summary) {
  const Records& records = service.records();
  summary.ttft_s = percentiles(records.ttft_s);
  summary.tpot_s = percentiles(records.tpot_s);
  summary.e2e_s = percentiles(records.e2e_s);
  summary.ttft_curve_s = quantile_curve(records.ttft_s);
  summary.tpot_curve_s = quantile_curve(records.tpot_s);
  summary.e2e_curve_s = quantile_curve(records.e2e_s);
  if (workload.kind == ArrivalKind::kClosedLoop) {
    summary.ttft_rounds_s = round_means(records.ttft_s, workload.concurrency);
    summary.tpot_rounds_s = round_means(records.tpot_s, workload.concurrency);
  }
  if (records.completed > 0) {
    summary.slo_attainment =
        static_cast<double>(records.within_slo) / static_cast<double>(records.completed);
  }
  summary.steps = records.steps;
  summary.decode_steps = records.decode_steps;
  if (records.steps_with_decodes > 0) {
    summary.mean_batch =
        static_cast<double>(records.decoded) / static_cast<double>(records.steps_with_decodes);
  }
  summary.saturated = service.saturated();
  summary.queue = service.queue();
}

// Larger matrices are hard to read and large in a report.
constexpr std::int64_t kMostMatrixRanks = 256;

// Imbalance of the experts of the bank; converts their counts to loads over the mean.
void summarize_experts(RoutingSummary& routing) {
  const double layers = static_cast<double>(routing.load.size());
  for (std::vector<double>& counts : routing.load) {
    const LoadStatistics layer = load_statistics(counts);
    routing.max_over_mean += layer.max_over_mean / layers;
    routing.gini += layer.gini / layers;
    routing.cv += layer.cv / layers;
    routing.entropy += layer.entropy / layers;
    routing.layers.push_back({layer.max_over_mean, layer.gini, layer.cv, layer.entropy, 0});
    const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
    if (sum <= 0) continue;  // Only zero-computation experts were chosen.
    for (double& count : counts) count *= static_cast<double>(counts.size()) / sum;
  }
}

void summarize_groups(const RoutingTally& tally, RoutingSummary& routing) {
  if (tally.decode_layers > 0) {
    routing.decode_experts_hit =
        tally.decode_experts_hit / static_cast<double>(tally.decode_layers);
  }
  if (tally.mean_pairs > 0) routing.group_max_over_mean = tally.fullest_pairs / tally.mean_pairs;
  const double chosen = tally.pairs + tally.dropped;
  if (chosen > 0) routing.dropped_share = tally.dropped / chosen;
  for (std::size_t l = 0; l < std::min(tally.layers.size(), routing.layers.size()); ++l) {
    const RoutingTally::Layer& layer = tally.layers[l];
    if (layer.mean_pairs > 0) routing.layers[l].overload = layer.fullest_pairs / layer.mean_pairs;
  }
}

std::vector<std::vector<double>> rows_of(const TrafficMatrix& matrix) {
  std::vector<std::vector<double>> rows;
  for (auto row = matrix.amounts.begin(); row != matrix.amounts.end(); row += matrix.ranks) {
    rows.emplace_back(row, row + matrix.ranks);
  }
  return rows;
}

double imbalance_wait_share(const std::vector<DeviceLedger>& devices) {
  Seconds waiting, busy;
  for (const DeviceLedger& device : devices) {
    waiting += device.time[Activity::kImbalanceWait];
    busy += device.total_time() - device.time[Activity::kIdle];
  }
  return busy > Seconds(0) ? waiting / busy : 0;
}

// Adds the periods of a later pool, with replicas numbered after those of the first.
void add_periods(std::vector<BalancePeriod> later, std::int64_t replicas,
                 std::vector<BalancePeriod>& periods) {
  for (BalancePeriod& period : later) period.replica += replicas;
  periods.insert(periods.end(), later.begin(), later.end());
}

RoutingSummary summarize_routing(const std::deque<Pool>& pools, const RoutingBank& bank,
                                 const Records& records) {
  const ParallelPlan& plan = pools.front().deployment.plan;
  const TokenExchange& exchange = *pools.front().model.exchange();
  RoutingTally tally = records.routing;
  tally.add(records.prefill_routing);
  RoutingSummary routing;
  routing.provenance = bank.provenance;
  routing.load = expert_counts(bank);
  summarize_experts(routing);
  summarize_groups(tally, routing);
  routing.imbalance_wait_share = imbalance_wait_share(records.devices);
  routing.periods = exchange.periods();
  if (pools.size() > 1) {
    add_periods(pools.back().model.exchange()->periods(), plan.replicas, routing.periods);
  }
  if (plan.dispatches_tokens() && plan.stage_ranks() <= kMostMatrixRanks) {
    routing.dispatch_bytes = rows_of(exchange.traffic(records.routing));
  }
  return routing;
}

FaultSummary summarize_faults(const Service& service, const std::deque<Pool>& pools,
                              const Summary& summary) {
  FaultSummary faults = service.records().faults;
  std::int64_t replicas = 0;
  for (const Pool& pool : pools) replicas += pool.deployment.plan.replicas;
  const Seconds time = summary.horizon * static_cast<double>(replicas);
  if (time > Seconds(0)) faults.available = std::max(0.0, 1 - faults.replica_down / time);
  return faults;
}

NetworkSummary network_of(const EndedRun& run, const Summary& summary) {
  Pool& decoding = run.pools.front();
  const Records& records = run.service.records();
  // Rebalancing during a sampled step would make its two prices differ for another reason.
  std::optional<DoubledLinks> doubled;
  if (decoding.deployment.placement.rebalance_steps == 0) {
    doubled = doubled_links(decoding.deployment, decoding.model, records.samples);
  }
  return summarize_network(run.deployment, run.topology, records.network, doubled,
                           decoding.model.device(), summary);
}

}  // namespace

void summarize(const EndedRun& run, Summary& summary) {
  const Deployment& deployment = run.deployment;
  const Records& records = run.service.records();
  summary.window = run.service.window();
  summary.horizon = run.end - summary.window.from;
  summarize_requests(run.service, summary);
  summarize_latencies(run.service, run.workload, summary);
  summary.devices = records.devices;
  summary.allocated_devices = deployment.total_ranks();
  close_ledgers(deployment, run.pools.front().model.device(), summary.horizon, summary.devices);
  summary.prefill_energy = records.prefill_energy;
  summary.decode_energy = records.decode_energy;
  summary.traffic = records.traffic;
  if (!deployment.faults.empty()) {
    summary.faults = summarize_faults(run.service, run.pools, summary);
  }
  summary.energy = energy_totals(deployment, run.topology, summary.horizon, summary.devices);
  if (run.bank != nullptr && deployment.model.is_moe()) {
    summary.routing = summarize_routing(run.pools, *run.bank, records);
  }
  summary.network = network_of(run, summary);
}

}  // namespace moesim
