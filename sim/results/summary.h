// What a simulated case amounts to: conserved counts, latencies, device time and energy by
// activity.
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
// Nearest-rank percentiles; all zero for no values.
Percentiles percentiles(std::vector<double> values);
// The nearest-rank percentiles 0, 1, ..., 100 (smallest to largest value), for plots; empty for
// none.
std::vector<double> quantile_curve(std::vector<double> values);

// How many requests were inside at a moment; thinned to at most 1024 moments.
struct QueuePoint {
  Seconds time;
  std::int64_t waiting = 0;  // Not admitted to a batch yet, or preempted.
  std::int64_t running = 0;
};

// Energy of the whole cluster over the horizon; total = sum of the parts. Nodes are charged whole:
// devices that the deployment leaves unused idle at the device's idle power.
struct EnergyTotals {
  Joules devices;       // Accelerators, all activities.
  Joules host;          // CPUs, DRAM, fans, in-node switches.
  Joules network;       // NICs, fabric switches, optics.
  Joules power_supply;  // Losses.
  Joules facility;      // PUE overhead: cooling, distribution.
  Joules total() const { return devices + host + network + power_supply + facility; }
};

// One MoE layer: how unevenly the router loads experts (whole bank), and EP groups (as served).
struct LayerRouting {
  double max_over_mean = 0;  // Fullest expert over the mean expert.
  double gini = 0;
  double cv = 0;        // Standard deviation over mean.
  double entropy = 0;   // Of the load shares, over that of equal shares: 1 = even.
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
  // Share of the busy time of the deployment's devices that they waited for a fuller one.
  double imbalance_wait_share = 0;
  double dropped_share = 0;  // Token-expert pairs over an expert's capacity, left out.
  // [source rank][destination rank] bytes that dispatch moves per token of the stage, summed over
  // MoE layers, if every source brings equally many tokens; modes weighted by the tokens they
  // carried. All entries add up to the bytes per token. Empty where tokens do not travel and above
  // 256 ranks.
  std::vector<std::vector<double>> dispatch_bytes;
  // In order of their begin, those of a prefill pool (whose replicas count on) last; empty without
  // rebalancing.
  std::vector<BalancePeriod> periods;
};

// The links of one class: inside nodes, NICs, above the leaves.
struct LinkUse {
  std::string name;          // "scale-up", "NIC", "spine"
  std::int64_t ports = 0;    // In one direction.
  BytesPerSecond bandwidth;  // Of a port, per direction.
  Bytes sent;
  bool sent_known = true;  // Above the leaves: up to 128 ranks.
  double busy_share = 0;   // Of bandwidth and horizon.
  // While tokens are dispatched: mean and fullest port, which is named; 0 where they do not travel.
  double dispatch_busy_share = 0, fullest_busy_share = 0;
  std::string fullest;  // "NIC of node 3, rail 5"
  bool fullest_receives = false;
  // What moving the bytes adds to the devices' power (scale-up); else NICs, or switches and optics,
  // whose power does not depend on traffic, over the horizon.
  Joules energy;
  // Steps would be shorter by this share if all links of the class were twice as fast; see
  // DoubledLinks. Absent where a network has no links between switches.
  std::optional<double> doubled_gain;
};

struct NetworkSummary {
  CommunicationTimes prompt_steps, decode_steps;  // Steps with prompt tokens, and without.
  std::vector<LinkUse> links;                     // Of the classes that the deployment uses.
};

// What faults did.
struct FaultSummary {
  std::int64_t retried = 0;      // Requests that started again, as often as they did.
  std::int64_t unavailable = 0;  // Of the rejected: no replica was left that would ever serve.
  Seconds replica_down;          // Sum over replicas.
  double available = 1;          // Share of the replicas' time in which they could serve.
  Seconds held;  // Time of all devices in steps that waited for a link that was down.
};

// What a prefill pool of its own adds.
struct PrefillPool {
  MemoryLedger memory;
  std::int64_t kv_blocks_peak = 0;  // Most in use at once on one attention-DP rank.
  Percentiles handover_s;  // From the first token until the cache lies with a decode worker.
};

// With separate pools, what is said of memory, peaks and traffic between ranks is of the decode
// pool; sums are of both.
struct Summary {
  MemoryLedger memory;
  std::optional<PrefillPool> prefill;
  Seconds horizon;  // End of the last request, or the workload's horizon if earlier.
  // Requests. arrived = completed + rejected + in_flight.
  std::int64_t arrived = 0, completed = 0, rejected = 0, in_flight = 0;
  std::int64_t rejected_context = 0;  // Of the rejected: longer than the model's context.
  std::int64_t preemptions = 0;
  // Tokens of arrived requests. input_tokens counts prompts processed at least once.
  std::int64_t input_tokens_arrived = 0, input_tokens_done = 0, input_tokens_inside = 0,
               input_tokens_rejected = 0;
  std::int64_t output_tokens_asked = 0, output_tokens_done = 0, output_tokens_inside = 0,
               output_tokens_rejected = 0;
  std::int64_t recomputed_tokens =
      0;  // Prompt and output tokens redone after their cache was lost.
  std::int64_t kv_blocks_allocated = 0, kv_blocks_freed = 0, kv_blocks_held = 0;
  std::int64_t kv_blocks_peak = 0;  // Most in use at once on one attention-DP rank.
  std::int64_t steps = 0;
  double mean_batch = 0;  // Decoding sequences per step and replica, over steps with any.
  Percentiles ttft_s, tpot_s, e2e_s;
  double slo_attainment = 1;  // Share of completed requests within the limits given.
  // Open workloads only: the waiting queue kept growing while requests arrived. Each arrival sees
  // some requests waiting. True if the last quarter of the arrivals saw on average more than 5 % of
  // all arrivals waiting, and more than 1.5 times what the second quarter saw (a queue that grows
  // evenly gives 2.3 times, a standing one 1). Offered load above capacity by some 6 % is seen
  // whatever the rates are.
  bool saturated = false;
  std::int64_t decode_steps = 0;                                // Steps without prompt tokens.
  std::vector<double> ttft_curve_s, tpot_curve_s, e2e_curve_s;  // See quantile_curve.
  // Closed loop: means of each round, of as many requests as there are users, in the order of first
  // tokens and of ends. The first one finds the system empty, the last one leaves it so.
  std::vector<double> ttft_rounds_s, tpot_rounds_s;
  std::vector<QueuePoint> queue;
  // Every device of the cluster; the first allocated_devices belong to the deployment, the others
  // idle.
  std::vector<DeviceLedger> devices;
  std::int64_t allocated_devices = 0;
  // Energy of the allocated devices while in a step, split by the tokens of each step into prompts
  // and decodes; what is left of the devices' energy is idle.
  Joules prefill_energy, decode_energy;
  TrafficTotals traffic;
  EnergyTotals energy;
  RoutingSummary routing;  // Empty for dense models.
  NetworkSummary network;
  std::optional<FaultSummary> faults;  // Of a deployment that has some.
};

}  // namespace moesim
