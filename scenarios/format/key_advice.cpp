#include "scenarios/format/key_advice.h"

#include <string>
#include <vector>

namespace moesim {
namespace {

struct Advice {
  std::vector<const char*> keys;
  std::string said;
};

std::string not_modelled(const std::string& feature) {
  return feature + " not modelled (README.md, Limits); leave this out";
}

std::string called(const std::string& ours) {
  return "unknown key; here it is " + ours;
}

const std::vector<Advice>& advice() {
  static const std::vector<Advice> kAdvice = {
      // Not modelled.
      {{"prefix_cache", "prefix_caching", "enable_prefix_caching", "prefix_hit_rate"},
       not_modelled("prefix caching is")},
      {{"speculative", "speculative_decoding", "speculative_config", "num_speculative_tokens",
        "draft_model", "mtp", "eagle"},
       not_modelled("speculative decoding and multi-token prediction are")},
      {{"turns", "conversations", "sessions"}, not_modelled("conversations of several turns are")},
      {{"ttft_p50", "ttft_p90", "ttft_p95", "ttft_mean", "tpot_p50", "tpot_p90", "tpot_p95",
        "tpot_mean", "ttft", "tpot"},
       "unknown key; a service level is one of the 99th percentile: ttft_p99, tpot_p99"},
      {{"e2e", "e2e_p99", "e2e_latency", "latency_p99", "itl", "itl_p99", "itl_p95"},
       "limits of end-to-end and inter-token latency are not modelled; the service level is "
       "ttft_p99, tpot_p99"},
      {{"lora", "enable_lora", "loras"}, not_modelled("LoRA adapters are")},
      {{"kv_offload", "cpu_offload", "cpu_offload_gb", "swap_space"},
       not_modelled("moving weights or the KV cache to the host's memory is")},
      {{"context_parallel", "cp", "sequence_parallel", "sp"},
       not_modelled("context parallelism is")},
      {{"autoscaling", "min_replicas", "max_replicas"}, not_modelled("autoscaling is")},
      {{"currency"}, "USD is the only currency; convert prices and leave this out"},
      // Called otherwise.
      {{"quantization", "quantisation", "quant", "precision", "torch_dtype"},
       called("dtype, e.g. dtype: {weights: fp8, kv: fp8}")},
      {{"kv_cache_dtype"}, called("dtype: {kv: ...}")},
      {{"gpu", "gpus", "num_gpus", "gpu_count", "accelerator", "hardware"},
       called("cluster: {node: NAME} with `nodes: N`, or with `devices: N` for a part of one node; "
              "see moesim list hardware")},
      {{"tensor_parallel", "tensor_parallel_size"}, called("parallel: {tp: ...}")},
      {{"pipeline_parallel", "pipeline_parallel_size"}, called("parallel: {pp: ...}")},
      {{"expert_parallel", "expert_parallel_size", "enable_expert_parallel"},
       called("parallel: {ep: ...}")},
      {{"data_parallel", "data_parallel_size", "dp"},
       called("parallel: {attention_dp: ...} for ranks that share experts, {replicas: ...} for "
              "independent copies")},
      {{"gpu_memory_utilization", "mem_fraction_static"},
       called("engine: {memory_utilization: ...}")},
      {{"max_num_batched_tokens", "chunked_prefill_size"},
       called("engine: {max_batched_tokens: ...}")},
      {{"max_running_requests", "max_batch_size"}, called("engine: {max_num_seqs: ...}")},
      {{"enable_chunked_prefill"}, called("engine: {chunked_prompts: ...}")},
      {{"max_concurrency"}, called("closed_loop: {concurrency: ...}")},
      {{"burstiness", "cv"}, called("requests: {gamma: {rate: 8/s, cv: 2}}")},
      {{"think_time", "users", "num_users"},
       called("requests: {users: {count: 300, think_time: 30 s}}")},
      {{"request_rate", "rps", "qps"}, called("requests: {poisson: 8/s}")},
      {{"isl", "input_len", "prompt_len", "input_tokens", "prompt_tokens"},
       called("lengths: {input: ...}")},
      {{"osl", "output_len", "output_tokens", "max_tokens", "max_new_tokens"},
       called("lengths: {output: ...}")},
      {{"sla", "slos"}, called("slo: {ttft_p99: ..., tpot_p99: ...}")},
      {{"num_requests", "num_prompts"},
       called("closed_loop: {requests: ...}, static: {batch: ...} or trace: {limit: ...}")},
      {{"num_experts_per_tok"}, called("model: {top_k: ...}")},
      {{"price", "rent", "cost_per_hour", "gpu_price"}, called("rent_per_device: 2.5 USD/h")},
      {{"gpu_power_limit", "tdp"}, called("power_limit: 500 W")},
  };
  return kAdvice;
}

}  // namespace

const KeyAdvice& key_advice() {
  static const KeyAdvice kByKey = [] {
    KeyAdvice by_key;
    for (const Advice& row : advice()) {
      for (const char* key : row.keys) by_key.emplace(key, row.said);
    }
    return by_key;
  }();
  return kByKey;
}

}  // namespace moesim
