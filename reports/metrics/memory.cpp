// Memory of the fullest device.
#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

template <auto Item>
Out item(In in) {
  return (in.memory.*Item).value();
}

Out reserve(In in) {
  return in.memory.device_memory.value() - in.memory.budget.value();
}

Out kv_peak_share(In in) {
  if (!in.summary) return std::nullopt;
  return quotient(static_cast<double>(in.summary->kv_blocks_peak),
                  static_cast<double>(in.memory.kv_blocks));
}

Out kv_peak_bytes(In in) {
  const Out share = kv_peak_share(in);
  if (!share) return std::nullopt;
  return *share * in.memory.kv_pool.value();
}

Out memory_peak(In in) {
  const Out kv = kv_peak_bytes(in);
  if (!kv) return std::nullopt;
  return in.memory.needed().value() + *kv;
}

Out kv_peak_tokens(In in) {
  if (!in.summary) return std::nullopt;
  return static_cast<double>(in.summary->kv_blocks_peak * in.memory.block.tokens);
}

template <auto Item>
Out prefill_item(In in) {
  if (!in.summary || !in.summary->prefill) return std::nullopt;
  return static_cast<double>(in.summary->prefill->memory.*Item);
}

double whole_capacity(const MemoryLedger& ledger, const ParallelPlan& plan) {
  return static_cast<double>(ledger.kv_capacity_tokens * plan.attention_dp * plan.replicas);
}

Out prefill_whole_capacity(In in) {
  if (!in.summary || !in.summary->prefill || !in.deployment.prefill) return std::nullopt;
  return whole_capacity(in.summary->prefill->memory, *in.deployment.prefill);
}

Out prefill_needed(In in) {
  if (!in.summary || !in.summary->prefill) return std::nullopt;
  return in.summary->prefill->memory.needed().value();
}

Out prefill_kv_peak_share(In in) {
  if (!in.summary || !in.summary->prefill) return std::nullopt;
  return quotient(static_cast<double>(in.summary->prefill->kv_blocks_peak),
                  static_cast<double>(in.summary->prefill->memory.kv_blocks));
}

std::vector<MetricRow> need_metrics() {
  const std::string g = "memory";
  using L = MemoryLedger;
  return {
      {kDeviceMemoryBytes, "device_memory_bytes", "device memory", g, "B",
       "Memory that the driver shows, per device.", item<&L::device_memory>},
      {kMemoryBudgetBytes, "memory_budget_bytes", "memory budget", g, "B",
       "Device memory under the engine's limit: for vLLM of everything, for SGLang of weights and "
       "cache, for TensorRT-LLM the whole device.",
       item<&L::budget>},
      {kMemoryNeededBytes, "memory_needed_bytes", "needed without KV cache", g, "B",
       "Weights, activations, buffers and runtime on the fullest device; all but the KV cache.",
       [](In in) -> Out { return in.memory.needed().value(); }},
      {kMemoryShortfallBytes, "memory_shortfall_bytes", "memory shortfall", g, "B",
       "Missing memory: the need less the budget; 0 if it fits.", item<&L::shortfall>},
      {kWeightsBytes, "weights_bytes", "weights", g, "B", "All weights on the fullest device.",
       [](In in) -> Out { return in.memory.weights().value(); }},
      {kWeightsAttentionBytes, "weights_attention_bytes", "attention weights", g, "B",
       "Attention weights.", item<&L::attention_weights>},
      {kWeightsDenseBytes, "weights_dense_bytes", "dense feed-forward weights", g, "B",
       "Weights of the dense feed-forward blocks.", item<&L::dense_weights>},
      {kWeightsRoutedExpertsBytes, "weights_routed_experts_bytes", "routed expert weights", g, "B",
       "Weights of the routed experts, redundant copies included.", item<&L::routed_weights>},
      {kWeightsSharedExpertsBytes, "weights_shared_experts_bytes", "shared expert weights", g, "B",
       "Weights of the shared experts.", item<&L::shared_weights>},
      {kWeightsGateBytes, "weights_gate_bytes", "gate weights", g, "B",
       "Weights of the router gates.", item<&L::gate_weights>},
      {kWeightsEmbeddingBytes, "weights_embedding_bytes", "embedding and head", g, "B",
       "Embedding, output head and norms.", item<&L::embedding_weights>},
      {kActivationsBytes, "activations_bytes", "activations", g, "B", "Activations at their peak.",
       item<&L::activations>},
      {kCommunicationBuffersBytes, "communication_buffers_bytes", "communication buffers", g, "B",
       "Buffers of collectives and of expert dispatch.", item<&L::communication>},
      {kFullestEpGroupOverMean, "fullest_ep_group_over_mean", "fullest EP group", g, "ratio",
       "Tokens of the fullest expert-parallel group over the mean one in the worst step, for which "
       "activations and buffers are sized; 1 where tokens are not dispatched.",
       [](In in) -> Out { return in.memory.fullest_over_mean; }},
      {kRuntimeBytes, "runtime_bytes", "runtime", g, "B", "Driver context, libraries and graphs.",
       item<&L::runtime>},
  };
}

std::vector<MetricRow> kv_metrics() {
  const std::string g = "memory";
  using L = MemoryLedger;
  return {
      {kKvPoolBytes, "kv_pool_bytes", "KV cache pool", g, "B",
       "Memory of the KV cache, by the engine's rule.", item<&L::kv_pool>},
      {kMemoryReserveBytes, "memory_reserve_bytes", "left unused", g, "B",
       "Device memory outside the budget of the serving engine.", reserve},
      {kKvBytesPerToken, "kv_bytes_per_token", "KV bytes per token", g, "B",
       "KV cache of one more token of context on one device.", item<&L::kv_bytes_per_token>},
      {kKvCapacityTokens, "kv_capacity_tokens", "KV capacity, one attention-DP rank", g, "token",
       "Tokens of context that the pool of one attention-DP rank holds.",
       [](In in) -> Out { return static_cast<double>(in.memory.kv_capacity_tokens); }},
      {kKvCapacityTotalTokens, "kv_capacity_total_tokens", "KV capacity, whole deployment", g,
       "token",
       "The same of all attention-DP ranks of all replicas together; of the decode pool where "
       "prompts have a pool of their own.",
       [](In in) -> Out { return whole_capacity(in.memory, in.deployment.plan); }},
      {kKvPeakTokens, "kv_peak_tokens", "KV peak, one attention-DP rank", g, "token",
       "Largest context at any time on one attention-DP rank, in whole blocks, those of states "
       "included.",
       kv_peak_tokens},
      {kKvPeakBytes, "kv_peak_bytes", "KV peak", g, "B",
       "The same in memory: share of the blocks in use times the pool.", kv_peak_bytes},
      {kKvPeakShare, "kv_peak_share", "KV peak share", g, "share",
       "The same as a share of the pool.", kv_peak_share},
      {kMemoryPeakBytes, "memory_peak_bytes", "memory peak", g, "B",
       "Largest memory in use: weights, activations, buffers, runtime and the KV peak.",
       memory_peak},
      {kPrefillMemoryNeededBytes, "prefill_memory_needed_bytes", "prefill: needed without KV cache",
       g, "B",
       "On the fullest device of a separate prefill pool; all metrics above then describe the "
       "decode pool.",
       prefill_needed},
      {kPrefillKvCapacityTokens, "prefill_kv_capacity_tokens",
       "prefill: KV capacity, one attention-DP rank", g, "token",
       "Tokens of context that one attention-DP rank of the prefill pool holds.",
       prefill_item<&L::kv_capacity_tokens>},
      {kPrefillKvCapacityTotalTokens, "prefill_kv_capacity_total_tokens",
       "prefill: KV capacity, whole pool", g, "token",
       "The same of all attention-DP ranks of the prefill pool together.", prefill_whole_capacity},
      {kPrefillKvPeakShare, "prefill_kv_peak_share", "prefill: KV peak share", g, "share",
       "Largest use at any time on one attention-DP rank of the prefill pool, as a share of it; "
       "blocks stay in use until the cache is on a decode replica.",
       prefill_kv_peak_share},
  };
}

}  // namespace

std::vector<MetricRow> memory_metrics() {
  std::vector<MetricRow> metrics = need_metrics();
  for (MetricRow& entry : kv_metrics()) metrics.push_back(std::move(entry));
  return metrics;
}

}  // namespace moesim
