#include "models/spec/rank_shapes.h"

#include <algorithm>

namespace moesim {

std::int64_t rank_heads(const AttentionSpec& attention, std::int64_t tp) {
  return share(attention.num_heads, tp);
}

std::int64_t rank_kv_heads(const AttentionSpec& attention, std::int64_t tp) {
  return share(attention.num_kv_heads, tp);
}

namespace {

using Role = Matrix::Role;

// Columns that the parameters hold beyond `counted` columns of `hidden` rows: an output gate.
std::int64_t uncounted_columns(const AttentionSpec& a, std::int64_t hidden, std::int64_t counted) {
  return std::max<std::int64_t>(0, (a.params - a.unquantised_params) / hidden - counted);
}

Matrices grouped_matrices(const AttentionSpec& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t queries = a.num_heads * a.head_dim;
  const std::int64_t outputs = a.num_heads * a.v_head_dim;
  const std::int64_t kv_width = a.head_dim + (a.shared_kv ? 0 : a.v_head_dim);
  const std::int64_t index = (a.index_num_heads > 0 ? a.index_num_heads + 1 : 0) * a.index_head_dim;
  const std::int64_t gate =
      uncounted_columns(a, hidden, queries + outputs + a.num_kv_heads * kv_width + index);
  const std::int64_t heads = rank_heads(a, tp);
  Matrices out = {{"qkv", Role::kInput, hidden,
                   heads * a.head_dim + share(gate, tp) + rank_kv_heads(a, tp) * kv_width}};
  if (index > 0) out.push_back({"index", Role::kIndexer, hidden, index});
  out.push_back({"o", Role::kOutput, heads * a.v_head_dim, hidden});
  return out;
}

Matrices latent_matrices(const AttentionSpec& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t heads = rank_heads(a, tp);
  const std::int64_t latent = a.kv_lora_rank + a.qk_rope_head_dim;
  Matrices out;
  if (a.q_lora_rank > 0) out.push_back({"q_a", Role::kInput, hidden, a.q_lora_rank});
  out.push_back({"kv_a", Role::kInput, hidden, latent});
  const std::int64_t query_input = a.q_lora_rank > 0 ? a.q_lora_rank : hidden;
  out.push_back({"q_b", Role::kInput, query_input, heads * a.head_dim});
  if (a.index_num_heads > 0) {
    out.push_back({"index_q", Role::kIndexer, query_input, a.index_num_heads * a.index_head_dim});
    out.push_back({"index_k", Role::kIndexer, hidden, a.index_head_dim + a.index_num_heads});
  }
  out.push_back(
      {"kv_b", Role::kLatentExpand, a.kv_lora_rank, heads * (a.qk_nope_head_dim + a.v_head_dim)});
  if (a.output_gate) out.push_back({"gate", Role::kInput, hidden, heads * a.v_head_dim});
  out.push_back({"o", Role::kOutput, heads * a.v_head_dim, hidden});
  return out;
}

// Compressed attention: the row, its compressor and the indexer are on every rank. Compressors make
// values and gates, of overlapping windows where an indexer picks from them.
Matrices compressed_matrices(const AttentionSpec& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t groups = share(a.o_groups, tp);
  const std::int64_t overlap = a.index_num_heads > 0 ? 2 : 1;
  Matrices out = {{"q_a", Role::kInput, hidden, a.q_lora_rank},
                  {"kv", Role::kInput, hidden, a.head_dim},
                  {"q_b", Role::kInput, a.q_lora_rank, rank_heads(a, tp) * a.head_dim}};
  if (a.compress_ratio > 0) {
    out.push_back({"compress", Role::kInput, hidden, 2 * overlap * a.head_dim});
  }
  if (a.index_num_heads > 0) {
    out.push_back({"index_q", Role::kIndexer, a.q_lora_rank, a.index_num_heads * a.index_head_dim});
    out.push_back(
        {"index_k", Role::kIndexer, hidden, 2 * overlap * a.index_head_dim + a.index_num_heads});
  }
  out.push_back(
      {"o_a", Role::kInput, a.num_heads / a.o_groups * a.head_dim, groups * a.o_lora_rank});
  out.push_back({"o", Role::kOutput, groups * a.o_lora_rank, hidden});
  return out;
}

// Everything but the output projection runs as one input projection; its width follows from the
// parameters, however the family splits it.
Matrices linear_matrices(const AttentionSpec& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t outputs = a.num_heads * a.v_head_dim;
  const std::int64_t inputs = uncounted_columns(a, hidden, outputs);
  return {{"in", Role::kInput, hidden, share(inputs, tp)},
          {"o", Role::kOutput, share(outputs, tp), hidden}};
}

}  // namespace

Matrices attention_matrices(const AttentionSpec& attention, std::int64_t hidden, std::int64_t tp) {
  switch (attention.kind) {
    case AttentionKind::kNone:
      return {};
    case AttentionKind::kGrouped:
      return grouped_matrices(attention, hidden, tp);
    case AttentionKind::kLatent:
      return latent_matrices(attention, hidden, tp);
    case AttentionKind::kLinear:
      return linear_matrices(attention, hidden, tp);
    case AttentionKind::kCompressed:
      return compressed_matrices(attention, hidden, tp);
  }
  return {};
}

Matrices ffn_matrices(std::int64_t input, std::int64_t width, int matrices, std::int64_t ranks) {
  const std::int64_t rank_width = share(width, ranks);
  return {{matrices == 3 ? "gate_up" : "up", Role::kInput, input, (matrices - 1) * rank_width},
          {"down", Role::kOutput, rank_width, input}};
}

std::int64_t gate_columns(const MoeSpec& moe) {
  return moe.num_experts + moe.router.num_zero_experts + (moe.shared_gate ? 1 : 0);
}

}  // namespace moesim
