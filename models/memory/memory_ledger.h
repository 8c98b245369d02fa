// Memory of the fullest device, item by item, and the smallest plan that fits if this one does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "base/words.h"
#include "hardware/spec/device.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

// The memory that an engine gives to the KV cache.
enum class PoolRule {
  kUtilization,     // vLLM: memory_utilization of all memory, less everything else.
  kStaticFraction,  // SGLang: memory_utilization of all memory holds weights and cache.
  kFreeFraction,    // TensorRT-LLM: memory_utilization of the memory that all else leaves free.
  kContext,         // llama.cpp: one context for all sequences, in what all else leaves free.
};
template <>
inline constexpr auto kWords<PoolRule> = enum_words<PoolRule>({
    {PoolRule::kUtilization, "utilization"},
    {PoolRule::kStaticFraction, "static_fraction"},
    {PoolRule::kFreeFraction, "free_fraction"},
    {PoolRule::kContext, "context"},
});

// Where the states of linear-attention layers live. Source: docs/physics.md, "KV cache".
enum class StateRule {
  kReserved,  // Beside the pool, for max_num_seqs sequences (vLLM V0, TensorRT-LLM).
  kPaged,     // In blocks of the pool, for running sequences only (vLLM V1).
  kShare,     // In state_share of the pool, which bounds the running sequences (SGLang).
};
template <>
inline constexpr auto kWords<StateRule> = enum_words<StateRule>({
    {StateRule::kReserved, "reserved"},
    {StateRule::kPaged, "paged"},
    {StateRule::kShare, "share"},
});

// Memory rules of the serving engine. Source: docs/physics.md, "Memory".
struct EngineMemoryRules {
  double memory_utilization = 0.9;         // Share of memory; PoolRule says of which memory.
  std::int64_t max_num_seqs = 256;         // Sequences that may run at once per attention-DP rank.
  std::int64_t max_batched_tokens = 8192;  // Tokens of one step per attention-DP rank.
  std::int64_t kv_block_tokens = 16;
  PoolRule pool = PoolRule::kUtilization;
  std::int64_t context_tokens = 0;  // kContext: of the cache; 0 = the model's longest, if it fits.
  StateRule states = StateRule::kReserved;
  double state_share = 0;         // kShare: of the memory of states and cache together,
  std::int64_t state_copies = 1;  // and states that it keeps for each running sequence.
  // Sampler workspace: logits in 16 bit and fp32, sorted copy, indices, softmax, cumulative sum.
  double sampler_bytes_per_logit = 41;
  Bytes context_memory = Bytes(0.6e9);       // CUDA context and libraries.
  Bytes communicator_memory = Bytes(1.5e9);  // On top where a stage has several ranks.
  Bytes graph_memory = Bytes(0);             // Of the budget, set aside for CUDA graphs.
  std::int64_t fp4_width_multiple = 256;     // To which 4-bit expert kernels pad an expert's width.
  std::int64_t expert_chunk_tokens = 32768;  // Most gathered tokens in one call of expert kernels.
};

// How much the fullest EP group holds beyond the mean one.
struct ExpertShare {
  std::int64_t redundant = 0;  // Expert slots beyond one per expert, over all groups.
  // Tokens that the group receives in the worst step, over those of the mean group. The default
  // is for a ledger without routing. Source: DeepSeek-V3 EP32 prefill runs out of memory at 16,384
  // tokens a device but not at 8,192, which balanced routing does not explain
  // (docs/physics.md, "Memory").
  double fullest_over_mean = 2;
};

// What a sequence takes of the blocks of a KV pool.
struct KvBlockShape {
  std::int64_t tokens = 16;  // Of one block.
  std::int64_t groups = 1;   // Blocks for each `tokens` tokens of a sequence.
  std::int64_t states = 0;   // Blocks that hold the states of a sequence (StateRule::kPaged).

  // Blocks of a sequence of this many tokens.
  std::int64_t blocks_for(std::int64_t sequence_tokens) const {
    return states + groups * ((sequence_tokens + tokens - 1) / tokens);
  }
};

struct MemoryLedger {
  Bytes device_memory;
  Bytes budget;  // memory_utilization * device_memory.
  // Weights by kind, on the fullest device.
  Bytes attention_weights;
  Bytes dense_weights;
  Bytes routed_weights;  // With redundant experts.
  Bytes shared_weights;
  Bytes gate_weights;
  Bytes embedding_weights;  // Embedding, head, norms.
  Bytes activations;        // Peak.
  Bytes communication;      // Dispatch and collective buffers.
  // The ExpertShare::fullest_over_mean that these two are sized for; 1 if tokens do not travel.
  double fullest_over_mean = 1;
  Bytes runtime;             // Context, libraries.
  Bytes linear_states;       // Set aside for states of linear-attention layers (not kPaged).
  Bytes kv_pool;             // Memory left for the KV cache; 0 when none is left.
  Bytes shortfall;           // By how much weights and the rest exceed the budget; 0 when they fit.
  Bytes kv_bytes_per_token;  // Per device, full-attention layers of this stage.
  std::int64_t kv_blocks = 0;
  KvBlockShape block;
  std::int64_t max_num_seqs = 0;        // As the engine's, or fewer for which there are states.
  std::int64_t kv_capacity_tokens = 0;  // Per attention-DP rank.

  Bytes weights() const;
  Bytes needed() const;  // All but the KV pool.
  bool fits() const { return shortfall.value() <= 0 && kv_capacity_tokens > 0; }
  // Whether a sequence of this many tokens fits the KV cache when it is alone there.
  bool holds(std::int64_t sequence_tokens) const {
    return fits() && block.blocks_for(sequence_tokens) <= kv_blocks;
  }
};

// The ledger of the pipeline stage with the smallest KV capacity. A sliding-window layer needs at
// most its window for each of max_num_seqs sequences, so that T tokens are sure to fit while
//   T full_bytes + sum over windows w(bytes_w min(T, max_num_seqs w)) <= kv_pool
// Requires: a sound plan.
MemoryLedger memory_ledger(const ModelSpec& model, const ParallelPlan& plan,
                           const DtypePlan& dtypes, const EngineMemoryRules& rules,
                           const DeviceSpec& device, const ExpertShare& experts);

struct FittingPlan {
  ParallelPlan plan;
  DtypePlan dtypes;
};

// The largest max_num_seqs below that of `rules` with which the plan fits with a KV cache of at
// least `kv_tokens`; nothing if none does.
std::optional<std::int64_t> fitting_max_num_seqs(const ModelSpec& model, const FittingPlan& plan,
                                                 EngineMemoryRules rules, const DeviceSpec& device,
                                                 const ExpertShare& experts,
                                                 std::int64_t kv_tokens = 1);

// The sound plan with the fewest devices (1, 2, 4, ..., 1024) that fits in these formats with a KV
// cache of at least `kv_tokens` for each attention-DP rank,
// preferring wide tensor parallelism inside a scale-up domain, then pipeline stages, then attention
// DP.
std::optional<FittingPlan> smallest_fitting_plan(const ModelSpec& model, const DtypePlan& dtypes,
                                                 const EngineMemoryRules& rules,
                                                 const DeviceSpec& device,
                                                 std::int64_t kv_tokens = 1);

// The smallest plan that fits, in words: "4 devices (tp 4, experts over ep 4)", and behind "or"
// narrower weights where they need fewer devices. Nothing = none on up to 1024 devices.
std::optional<std::string> smallest_fit(const ModelSpec& model, const DtypePlan& dtypes,
                                        const EngineMemoryRules& rules, const DeviceSpec& device,
                                        std::int64_t kv_tokens = 1);

}  // namespace moesim
