// Turns the layers of a model and the tokens of a step into kernels with shapes, FLOPs and bytes,
// as one rank of a parallel plan runs them.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/kernels/kernel.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"
#include "models/work/sampling.h"

namespace moesim {

// Load of attention cores in one step on one attention-DP rank, for one window size.
struct AttentionLoad {
  std::int64_t prefill_tokens = 0;  // New prompt tokens.
  double prefill_pairs = 0;         // Sum over them of the keys each one sees (causal, window cut).
  double prefill_keys = 0;  // Keys read by the prompt chunks (past + new), summed over chunks.
  std::int64_t prefill_chunks = 0;
  double prefill_past = 0;  // Cached before the chunks, summed over them.
  std::int64_t decode_sequences = 0;
  double decode_keys = 0;  // Sum over decoding sequences of the keys each one reads.

  // One more prompt chunk of `tokens` after `past` cached tokens; window 0 = all.
  //   pairs = sum_{i=1..tokens} min(past + i, window)
  void add_prefill(std::int64_t past, std::int64_t tokens, std::int64_t window);
  // One more decoding sequence that sees `context` keys.
  void add_decode(std::int64_t context, std::int64_t window);
};

// Kernels of one layer except the attention core and the routed experts: norms, projections, rotary
// and cache write, dense feed-forward, gate, shared experts. Shapes: tokens on this attention-DP
// rank. Shared experts may be left to shared_expert_kernels(), where they run beside the others.
enum class SharedExperts { kIncluded, kApart };
std::vector<Kernel> linear_kernels(const ModelSpec& model, const LayerSpec& layer,
                                   const ParallelPlan& plan, const DtypePlan& dtypes,
                                   std::int64_t tokens,
                                   SharedExperts shared = SharedExperts::kIncluded);
std::vector<Kernel> shared_expert_kernels(const ModelSpec& model, const LayerSpec& layer,
                                          const ParallelPlan& plan, std::int64_t tokens);

// The multiplications on both sides of a layer's two all-reduces over TP ranks, which can be cut
// into pieces to run beside them; none where the layer has no such matrix (routed experts).
struct ReduceNeighbours {
  std::vector<Kernel> before, after;
};
// After the attention: its output projection, then the dense feed-forward's first matrix.
ReduceNeighbours attention_reduce(const ModelSpec& model, const LayerSpec& layer,
                                  const ParallelPlan& plan, std::int64_t tokens);
// After the feed-forward: its last matrix, then the first projection of a layer like this one.
ReduceNeighbours ffn_reduce(const ModelSpec& model, const LayerSpec& layer,
                            const ParallelPlan& plan, std::int64_t tokens);

// Attention core of one layer (MLA: expanded in prefill, absorbed in decode).
std::vector<Kernel> attention_kernels(const LayerSpec& layer, const ParallelPlan& plan,
                                      const DtypePlan& dtypes, const AttentionLoad& load);

// Tokens that the routed experts of one EP group process in one layer.
struct ExpertLoad {
  std::int64_t pairs = 0;  // Token-expert pairs.
  std::int64_t experts_hit =
      0;  // Distinct experts with at least one token: their weights are read.
  std::int64_t padding_rows = 0;  // Moved and multiplied besides the pairs.
};

// Routed experts of one rank: permute, two grouped GEMMs, activation, weighted un-permute.
// Requires: an MoE layer.
std::vector<Kernel> expert_kernels(const ModelSpec& model, const LayerSpec& layer,
                                   const ParallelPlan& plan, const ExpertLoad& load);

// Embedding look-up for `tokens`, then final norm, head and sampling for `sampled` sequences;
// `sampling_bytes` are moved for each logit.
std::vector<Kernel> head_kernels(const ModelSpec& model, const ParallelPlan& plan,
                                 std::int64_t tokens, std::int64_t sampled,
                                 double sampling_bytes = 18);

// Bytes that one rank contributes to the collective after attention and after the dense or expert
// block (tokens * hidden * 2, bf16).
Bytes activation_bytes(const ModelSpec& model, std::int64_t tokens);

}  // namespace moesim
