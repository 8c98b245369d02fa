#include "reports/render/key_metrics.h"

namespace moesim {

const std::vector<KeyGroup>& key_groups() {
  static const std::vector<KeyGroup> kGroups = {
      {"Money",
       {"cost_per_million_output_tokens_usd", "cost_per_million_tokens_usd", "cost_per_hour_usd",
        "cost_per_month_usd", "electricity_per_million_output_tokens_usd"}},
      {"Throughput",
       {"output_tokens_per_s", "output_tokens_per_s_per_device", "requests_per_s", "mean_batch",
        "requests_completed", "requests_rejected", "preemptions"}},
      {"Latency",
       {"ttft_p50_s", "ttft_p99_s", "tpot_p50_s", "tpot_p99_s", "e2e_p99_s",
        "slo_attainment_share"}},
      {"Energy",
       {"energy_per_output_token_j", "average_power_w", "energy_per_month_kwh",
        "carbon_per_million_output_tokens_kg"}},
      {"Memory of the fullest device",
       {"weights_bytes", "memory_needed_bytes", "memory_budget_bytes", "memory_shortfall_bytes",
        "kv_capacity_tokens", "kv_peak_share"}},
      {"Device time",
       {"time_compute_share", "time_memory_share", "time_communication_share",
        "time_overhead_share", "time_imbalance_wait_share", "time_idle_share",
        "time_unallocated_share", "kernel_time_measured_share"}},
      {"Communication",
       {"comm_bytes_per_output_token", "comm_scale_up_bytes_per_s", "comm_scale_out_bytes_per_s"}},
      {"Experts", {"expert_load_max_over_mean", "ep_group_max_over_mean", "decode_experts_hit"}},
      {"Quality",
       {"predicted_loss_nats", "predicted_loss_extrapolated_nats", "training_tokens",
        "training_tokens_assumed", "equal_quality_dense_params"}},
      {"Model", {"params_total", "params_active", "weights_read_per_output_token_bytes"}},
  };
  return kGroups;
}

const std::vector<KeyColumn>& key_columns() {
  static const std::vector<KeyColumn> kColumns = {
      {"cost_per_million_output_tokens_usd", "cost/M output", true},
      {"energy_per_output_token_j", "energy/token", true},
      {"output_tokens_per_s", "output rate", false},
      {"ttft_p99_s", "TTFT P99", true},
      {"tpot_p99_s", "TPOT P99", true},
      {"time_communication_share", "comm. time", true},
      {"device_time_used_share", "used time", false},
      {"memory_needed_bytes", "memory", true},
  };
  return kColumns;
}

}  // namespace moesim
