// Buffers that live for one step. Source: docs/physics.md, "Memory".
#include <algorithm>

#include "models/memory/memory_parts.h"
#include "models/spec/rank_shapes.h"

namespace moesim {
namespace {

// Feed-forward buffers of one step, f and k per rank, h = hidden size:
//   dense: tokens (matrices 2 f + 6 h);  MoE: rows (k (matrices 2 f + 2 h)) + tokens 6 h
// Source: docs/physics.md, "Memory" (measured with three matrices).
double ffn_buffers(const LedgerInputs& in, const LayerSpec& layer) {
  const double tokens = static_cast<double>(in.rules.max_batched_tokens);
  const double hidden = static_cast<double>(in.model.hidden_size);
  const auto inner = [](std::int64_t width, int matrices, std::int64_t ranks) {
    return static_cast<double>(share(width, ranks) * matrices * 2);
  };
  double block = tokens * inner(layer.dense_width, layer.dense_matrices, in.plan.tp);
  if (layer.moe) {
    const MoeSpec& moe = *layer.moe;
    const bool gathers = in.plan.attention_dp > 1 && in.plan.moe_tp > 1;
    const std::int64_t batch = in.rules.max_batched_tokens;
    const std::int64_t gathered =
        std::min(batch * in.plan.attention_dp, std::max(in.rules.expert_chunk_tokens, batch));
    const double rows = (gathers ? static_cast<double>(gathered) : tokens) * in.fullest_over_mean();
    const double expert = inner(moe.expert_width, moe.ffn_matrices, in.plan.moe_tp) +
                          2 * static_cast<double>(moe.expert_input);
    block = std::max({block, rows * static_cast<double>(moe.top_k) * expert,
                      tokens * inner(moe.shared_width, moe.ffn_matrices, in.plan.tp)});
  }
  return block + tokens * static_cast<double>(4 + 2 * in.model.residual_streams) * hidden;
}

// Queries, keys and values that MLA expands for a prompt (130 kB per token in DeepSeek-V3).
double expansion_buffers(const LedgerInputs& in, const AttentionSpec& a) {
  if (a.kind != AttentionKind::kLatent) return 0;
  const std::int64_t width = rank_heads(a, in.plan.tp) * (2 * a.head_dim + a.v_head_dim);
  return static_cast<double>(in.rules.max_batched_tokens * width * 2);
}

}  // namespace

// Largest of the sampler and the feed-forward buffers; expanded keys and values beside them.
Bytes peak_activations(const LedgerInputs& in, std::int64_t stage) {
  const bool last = stage == in.plan.pp - 1;
  const double sampler = last ? in.rules.sampler_bytes_per_logit *
                                    static_cast<double>(in.rules.max_num_seqs * in.model.vocab_size)
                              : 0;
  double ffn = 0;
  double expanded = 0;
  for (const LayerSpec& layer : in.model.layers) {
    ffn = std::max(ffn, ffn_buffers(in, layer));
    expanded = std::max(expanded, expansion_buffers(in, layer.attention));
  }
  return Bytes(std::max(sampler, ffn) + expanded);
}

// Where tokens travel: every received copy, and its row sorted by expert. Where they are gathered:
// the hidden states of all attention-DP ranks, before and after the experts.
Bytes communication_buffers(const LedgerInputs& in) {
  if (!in.model.is_moe() || in.plan.attention_dp == 1) return Bytes();
  const MoeSpec& moe = in.model.moe();
  const double tokens = static_cast<double>(in.rules.max_batched_tokens);
  if (in.plan.dispatches_tokens()) {
    const double copy = static_cast<double>(moe.expert_input) * element_bytes(in.dtypes.dispatch);
    return Bytes(in.fullest_over_mean() * tokens * static_cast<double>(moe.top_k) * 2 * copy);
  }
  return Bytes(tokens * static_cast<double>(in.plan.attention_dp * in.model.hidden_size) * 2 * 2);
}

}  // namespace moesim
