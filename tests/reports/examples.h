// Deployments and summaries with round numbers, built by hand: two devices, a hundred seconds, so
// that a reader can check every metric in the head.
#pragma once

#include "reports/results/report.h"

namespace moesim::examples {

inline std::size_t at(Activity activity) {
  return static_cast<std::size_t>(activity);
}

// One attention layer and a dense block, or eight experts of which two are used.
inline ModelSpec model(bool moe) {
  ModelSpec model;
  model.name = moe ? "small-moe" : "small-dense";
  model.hidden_size = 1024;
  model.vocab_size = 1000;
  LayerSpec layer;
  layer.attention = {.num_heads = 8,
                     .num_kv_heads = 8,
                     .head_dim = 128,
                     .v_head_dim = 128,
                     .params = 4 * 1024 * 1024};
  layer.dense_width = moe ? 0 : 4096;
  if (moe) {
    layer.moe.emplace();
    layer.moe->num_experts = 8;
    layer.moe->top_k = 2;
    layer.moe->expert_width = 2048;
    layer.moe->expert_input = 1024;
  }
  model.layers = {layer};
  return model;
}

// Two devices at 3.6 USD/h each; electricity at 0.36 USD/kWh, 360 gCO2e/kWh.
inline Deployment deployment(const std::string& name, bool moe) {
  Deployment d;
  d.name = name;
  d.model = model(moe);
  d.cluster.node.name = "duo";
  d.cluster.node.devices = 2;
  d.cluster.node.device.name = "card";
  d.cluster.node.device.rent = 3.6;
  d.cluster.node.device.facts = {
      {"devices/card: memory", "80 GB", "data sheet", "data-sheet", Enters::kMemory}};
  d.plan.tp = 2;
  d.site.electricity_usd_per_joule = 1e-7;
  d.site.carbon_kg_per_joule = 1e-7;
  return d;
}

inline MemoryLedger memory() {
  MemoryLedger memory;
  memory.device_memory = Bytes(80e9);
  memory.budget = Bytes(72e9);
  memory.attention_weights = Bytes(10e9);
  memory.routed_weights = Bytes(30e9);
  memory.runtime = Bytes(2e9);
  memory.activations = Bytes(10e9);
  memory.kv_pool = Bytes(20e9);
  memory.kv_bytes_per_token = Bytes(1e5);
  memory.kv_blocks = 12'500;
  memory.kv_capacity_tokens = 200'000;
  return memory;
}

// Each device: 10 s compute, 40 memory, 20 communication, 5 overhead, 5 waiting, 20 idle.
inline DeviceLedger device() {
  DeviceLedger device;
  const double seconds[] = {10, 40, 20, 5, 5, 20};
  for (std::size_t a = 0; a < device.time.size(); ++a) {
    device.time[a] = Seconds(seconds[a]);
    device.energy[a] = Joules(500 * seconds[a]);
  }
  return device;
}

// 1,000 requests of 1,000 input and 100 output tokens in 100 s.
inline Summary summary(bool moe) {
  Summary s;
  s.memory = memory();
  s.horizon = Seconds(100);
  s.arrived = s.completed = 1000;
  s.input_tokens_arrived = s.input_tokens_done = 1'000'000;
  s.output_tokens_asked = s.output_tokens_done = 100'000;
  s.kv_blocks_peak = 6'250;
  s.steps = 5'000;
  s.mean_batch = 20;
  s.ttft_s = {.mean = 0.2, .p50 = 0.15, .p90 = 0.4, .p99 = 1.0};
  s.tpot_s = {.mean = 0.02, .p50 = 0.02, .p90 = 0.03, .p99 = 0.04};
  s.e2e_s = {.mean = 2.2, .p50 = 2.1, .p90 = 3.5, .p99 = 5};
  s.devices = {device(), device()};
  s.allocated_devices = 2;
  s.prefill_energy = Joules(20e3);
  s.decode_energy = Joules(60e3);
  for (int p = 0; p <= 100; ++p) {
    s.ttft_curve_s.push_back(0.0001 * p * p);
    s.tpot_curve_s.push_back(0.0004 * p);
    s.e2e_curve_s.push_back(0.05 * p);
  }
  s.queue = {{Seconds(0), 0, 0}, {Seconds(50), 4, 20}, {Seconds(100), 0, 0}};
  s.traffic.tensor_parallel = Bytes(1e12);
  s.traffic.scale_up_sent = s.traffic.scale_up_received = Bytes(1e12);
  s.energy = {Joules(100e3), Joules(30e3), Joules(5e3), Joules(10e3), Joules(5e3)};
  if (moe) {
    s.routing.load = {{2, 2, 1, 1, 0.5, 0.5, 0.5, 0.5}};
    s.routing.layers = {{2, 0.3, 0.6, 0.9, 1.2}};
    s.routing.cv = 0.6;
    s.routing.entropy = 0.9;
    s.routing.imbalance_wait_share = 0.0625;  // 5 of the 80 s that a device is not idle.
    s.routing.dispatch_bytes = {{0, 3000}, {1000, 0}};
    s.routing.max_over_mean = 2;
    s.routing.gini = 0.3;
    s.routing.decode_experts_hit = 4;
    s.routing.group_max_over_mean = 1.2;
    s.routing.provenance = "generated tokens through the real gate kernel";
  }
  return s;
}

// A bank of one layer and four tokens that choose experts 0 and 1.
inline RoutingBank bank() {
  RoutingBank bank;
  bank.num_layers = 1;
  bank.num_experts = 8;
  bank.top_k = 2;
  bank.sequences = 2;
  bank.sequence_tokens = 2;
  bank.ids = {0, 1, 0, 1, 0, 1, 0, 1};
  bank.provenance = "made by hand";
  return bank;
}

inline CaseReport done(const std::string& name, bool moe, const Summary& summary,
                       const Workload& workload = {}) {
  return make_case_report(deployment(name, moe), workload, summary);
}

// The MoE case beside itself with balanced and with uniform routing: the balanced one needs 20 %
// less time and energy, the uniform one has no value for anything that was measured.
inline CaseReport with_baselines() {
  CaseReport own = done("moe", true, summary(true));
  Summary fast = summary(true);
  fast.horizon = Seconds(80);
  fast.tpot_s = {.mean = 0.016, .p50 = 0.016, .p90 = 0.024, .p99 = 0.032};
  for (double* part : {&fast.routing.max_over_mean, &fast.routing.group_max_over_mean}) *part = 1;
  fast.routing.imbalance_wait_share = 0;
  fast.energy.devices = Joules(70e3);  // 120 kJ in all.
  CaseReport skipped = done("moe (uniform routing)", true, summary(true));
  skipped.status = CaseStatus::kSkipped;
  skipped.metrics.assign(skipped.metrics.size(), std::nullopt);
  own.baselines = {done("moe (balanced routing)", true, fast), skipped};
  return own;
}

// Two cases: the dense one needs twice the time for the same tokens, all of it reading memory.
inline Report two_cases() {
  Summary slow = summary(false);
  slow.horizon = Seconds(200);
  for (DeviceLedger& one : slow.devices) one.time[at(Activity::kMemory)] += Seconds(100);
  slow.energy.devices = Joules(200e3);
  Report report;
  report.scenario = "two-cases";
  report.question = "Is the MoE cheaper than the dense model?";
  report.seed = 7;
  report.resolved = "schema: 1\nname: two-cases\n";
  report.cases = {done("moe", true, summary(true)), done("dense", false, slow)};
  return report;
}

}  // namespace moesim::examples
