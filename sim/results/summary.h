// The result of a simulated case: counts, latencies, device time and energy by activity, traffic,
// routing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "models/memory/memory_ledger.h"
#include "sim/network/balance_period.h"
#include "sim/network/traffic_totals.h"
#include "sim/step/device_ledger.h"
#include "sim/step/spans.h"

namespace moesim {

struct Percentiles {
  double mean = 0, p50 = 0, p90 = 0, p99 = 0;
};
// Percentiles as base/percentile.h has them; all zero for no values.
Percentiles percentiles(std::vector<double> values);
// The percentiles 0, 1, ..., 100 (smallest to largest value), for plots; empty for no values.
std::vector<double> quantile_curve(std::vector<double> values);

// Requests inside at one moment; a run keeps at most 1024 moments.
struct QueuePoint {
  Seconds time;
  std::int64_t waiting = 0;  // Not admitted to a batch yet, or preempted.
  std::int64_t running = 0;
  std::int64_t output_tokens = 0;  // So far.
};

// A figure of a run with its 95 % confidence interval within the run (precision.h).
struct Estimate {
  double value = 0;
  double half_width = 0;  // Over the value.
};

// How precise the figures of a run are.
struct RunPrecision {
  // Nothing where the run is too short for any interval.
  std::optional<Estimate> token_rate, ttft_p99, tpot_p99;
  double unfinished = 0;   // Requests that have not ended, of those that came.
  double end_to_ends = 0;  // Time measured, over the P99 of end-to-end times.
};

// The part of a run that its figures describe. Its length is Summary::horizon.
struct MeasuredWindow {
  Seconds from;
  bool warmed_up = false;                 // The warm-up has ended; else the whole run is measured.
  std::optional<RunPrecision> precision;  // Of stationary traffic.
};

// Energy of the whole cluster over the horizon. Nodes count whole: devices that the deployment does
// not use draw idle power.
struct EnergyTotals {
  Joules devices;       // Accelerators, all activities.
  Joules host;          // CPUs, DRAM, fans, in-node switches.
  Joules network;       // NICs, fabric switches, optics.
  Joules power_supply;  // Losses.
  Joules facility;      // PUE overhead: cooling, distribution.
  Joules total() const { return devices + host + network + power_supply + facility; }
};

// Imbalance of one MoE layer: of experts (over the whole bank) and of EP groups (as served).
struct LayerRouting {
  double max_over_mean = 0;  // Fullest expert over the mean expert.
  double gini = 0;
  double cv = 0;        // Standard deviation over mean.
  double entropy = 0;   // Of the load shares, over that of equal shares; 1 = even.
  double overload = 0;  // Fullest EP group over the mean one, pair-weighted over steps.
};

struct RoutingSummary {
  std::vector<std::vector<double>> load;  // [MoE layer][expert] tokens over the mean.
  double max_over_mean = 0;               // Mean over layers.
  double gini = 0;
  double decode_experts_hit = 0;   // Mean distinct experts per layer and decode-only step.
  double group_max_over_mean = 0;  // Fullest EP group against the mean, pair-weighted.
  std::string provenance;
  std::vector<LayerRouting> layers;  // [MoE layer]
  double cv = 0, entropy = 0;        // Means over layers.
  // Share of the busy time of the deployment's devices in which they wait for a fuller one.
  double imbalance_wait_share = 0;
  double dropped_share = 0;  // Token-expert pairs dropped because their expert was full.
  // [source rank][destination rank] bytes that dispatch sends per token of the stage, summed over
  // MoE layers, if every source has equally many tokens; modes are weighted by the tokens of each.
  // All entries add up to the bytes per token. Empty where tokens do not travel and above 256
  // ranks.
  std::vector<std::vector<double>> dispatch_bytes;
  // In order of time; those of a prefill pool come last, with replicas numbered after the others.
  // Empty without rebalancing.
  std::vector<BalancePeriod> periods;
};

// The links of one class: inside nodes, NICs, or between switches.
struct LinkUse {
  std::string name;          // "scale-up", "NIC", "spine"
  std::int64_t ports = 0;    // In one direction.
  BytesPerSecond bandwidth;  // Of a port, per direction.
  Bytes sent;
  bool sent_known = true;  // Between switches: known up to 128 ranks.
  double busy_share = 0;   // Of bandwidth times horizon.
  // While tokens are dispatched, of the mean and of the fullest port; 0 where they do not travel.
  double dispatch_busy_share = 0, fullest_busy_share = 0;
  std::string fullest;  // The fullest port: "NIC of node 3, rail 5".
  bool fullest_receives = false;
  // Inside nodes: energy that moving the bytes adds to the devices. Else: energy of the NICs, or of
  // switches and optics, over the horizon; their power does not depend on traffic.
  Joules energy;
  // Share by which steps would be shorter if all links of the class were twice as fast, see
  // DoubledLinks. Absent where a network has no links between switches.
  std::optional<double> doubled_gain;
};

struct NetworkSummary {
  CommunicationTimes prompt_steps, decode_steps;  // Steps with prompt tokens, and without.
  std::vector<LinkUse> links;                     // One for each class that is used.
};

// Effects of faults.
struct FaultSummary {
  std::int64_t retried = 0;      // Restarts of requests.
  std::int64_t unavailable = 0;  // Requests rejected because no replica would ever serve again.
  Seconds replica_down;          // Sum over replicas.
  double available = 1;          // Share of the time of all replicas in which they could serve.
  Seconds held;                  // Sum over devices of time in steps that waited for a down link.
};

// Figures of a separate prefill pool.
struct PrefillPool {
  MemoryLedger memory;
  std::int64_t kv_blocks_peak = 0;  // Most in use at once on one attention-DP rank.
  Percentiles handover_s;           // From first token until a decode replica has the cache.
};

// With separate pools, memory, peaks and traffic between ranks are of the decode pool; sums are
// over both pools.
struct Summary {
  MemoryLedger memory;
  std::optional<PrefillPool> prefill;
  // Everything but memory, peaks, the queue and `saturated` is of the measured window: what
  // happened in it. A run without a warm-up is measured from its start.
  MeasuredWindow window;
  Seconds horizon;  // Length of the window. It ends with the last request, or with the run.
  // Requests. in_flight_before + arrived = completed + rejected + in_flight.
  std::int64_t in_flight_before = 0;  // When the window opened.
  std::int64_t arrived = 0, completed = 0, rejected = 0, in_flight = 0;
  std::int64_t rejected_context = 0;  // Of the rejected: longer than the model's context.
  std::int64_t preemptions = 0;
  // Tokens of arrived requests. A prompt token counts as done when it was processed once.
  // before + arrived = done + inside + rejected.
  std::int64_t input_tokens_before = 0, output_tokens_before = 0;
  std::int64_t input_tokens_arrived = 0, input_tokens_done = 0, input_tokens_inside = 0,
               input_tokens_rejected = 0;
  std::int64_t output_tokens_asked = 0, output_tokens_done = 0, output_tokens_inside = 0,
               output_tokens_rejected = 0;
  std::int64_t recomputed_tokens = 0;  // Processed again after their cache was lost.
  std::int64_t kv_blocks_allocated = 0, kv_blocks_freed = 0, kv_blocks_held = 0;  // Of the run.
  std::int64_t kv_blocks_peak = 0;  // Most in use at once on one attention-DP rank.
  std::int64_t steps = 0;
  double mean_batch = 0;  // Decoding sequences per step and replica, over steps with any.
  Percentiles ttft_s, tpot_s, e2e_s;
  double slo_attainment = 1;  // Share of completed requests within the limits given.
  // Open workloads only: the queue kept growing while requests arrived. True if the last quarter of
  // the arrivals saw on average more than 5 % of all arrivals waiting, and more than 1.5 times as
  // many as the second quarter saw (a queue that grows evenly gives 2.3 times, a constant one 1).
  // Detects offered load some 6 % above capacity at any rate.
  bool saturated = false;
  std::int64_t decode_steps = 0;                                // Steps without prompt tokens.
  std::vector<double> ttft_curve_s, tpot_curve_s, e2e_curve_s;  // See quantile_curve.
  // Closed loop: means over rounds. A round is as many requests as there are users, in the order of
  // first tokens (TTFT) or ends (TPOT). The first finds the system empty, the last empties it.
  std::vector<double> ttft_rounds_s, tpot_rounds_s;
  std::vector<QueuePoint> queue;
  // [device of the cluster] The first `allocated_devices` belong to the deployment, the others are
  // idle.
  std::vector<DeviceLedger> devices;
  std::int64_t allocated_devices = 0;
  // Energy of the allocated devices in steps, split between prompts and decodes by the tokens of
  // each step; the rest of the energy of devices is idle.
  Joules prefill_energy, decode_energy;
  TrafficTotals traffic;
  EnergyTotals energy;
  RoutingSummary routing;  // Empty for dense models.
  NetworkSummary network;
  std::optional<FaultSummary> faults;  // Absent for a deployment without faults.
};

}  // namespace moesim
