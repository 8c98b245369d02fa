// Attention that reads a part of its cache: MiniMax-M3 (blocks that an indexer picks) and
// DeepSeek-V4 (compressed rows).
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

// The indexer beside grouped attention; picks whole blocks of keys.
//   params = H d_i (h_i + 1) + 2 d_i
AttentionSpec with_block_indexer(AttentionSpec a, const ConfigFields& sparse, std::int64_t hidden) {
  a.index_num_heads = sparse.required({"sparse_num_index_heads"}, kMaxHeads);
  a.index_head_dim = sparse.required({"sparse_index_dim"}, kMaxHeadDim);
  a.index_topk = sparse.required({"sparse_topk_blocks"}, kMaxHeads) *
                 sparse.required({"sparse_block_size"}, kMaxHeadDim);
  const std::int64_t norms = 2 * a.index_head_dim;
  a.params += hidden * a.index_head_dim * (a.index_num_heads + 1) + norms;
  a.unquantised_params += norms;
  return a;
}

// Without sparse_attention_config all layers are dense.
void add_block_indexers(const FamilyInput& in, std::vector<AttentionSpec>& attention) {
  const auto sparse = in.fields.nested("sparse_attention_config");
  if (!sparse || !sparse->flag_or({"use_sparse_attention"}, true)) return;
  const auto where = sparse->per_layer({"sparse_attention_freq"}, in.num_layers, 0, 1);
  const bool has_switch = sparse->has({"sparse_disable_index_value"});
  const auto disabled =
      has_switch ? sparse->per_layer({"sparse_disable_index_value"}, in.num_layers, 0, 1) : where;
  for (std::size_t i = 0; i < attention.size(); ++i) {
    if (where[i] == 0) continue;
    if (disabled[i] == 0) {
      return sparse->fault({"sparse_disable_index_value"},
                           "1 in every sparse layer expected: index values cannot be represented");
    }
    attention[i] = with_block_indexer(attention[i], *sparse, in.hidden);
  }
}

// Source: SGLang, srt/models/minimax_m3.py; vLLM, models/minimax_m3.
void read_minimax_m3(const FamilyInput& in, ModelSpec& model) {
  if (in.fields.flag_or({"attention_output_gate"}, false)) {
    in.fields.fault({"attention_output_gate"}, "false expected: no model had it so far");
  }
  const bool per_layer = in.fields.text_or({"qk_norm_type"}, "per_head") == "per_layer";
  const bool normed = in.fields.flag_or({"use_qk_norm"}, true);
  const QkNorm norm = per_layer ? QkNorm::kPerLayer : QkNorm::kPerHead;
  StackParts parts;
  parts.attention.assign(
      static_cast<std::size_t>(in.num_layers),
      read_grouped_attention(in.fields, in.hidden, {.qk_norm = normed ? norm : QkNorm::kNone}));
  add_block_indexers(in, parts.attention);
  parts.moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size", "intermediate_size"});
  parts.moe.shared_width =
      in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) *
      in.fields.count_or({"shared_intermediate_size"}, parts.moe.expert_width, kMaxWidth);
  parts.moe.router = read_deepseek_router(in.fields, "sigmoid", "greedy");
  parts.moe.router.renormalise = true;
  parts.moe.router.correction_bias = in.fields.flag_or({"use_routing_bias"}, true);
  parts.sparse = read_deepseek_pattern(in.fields, in.num_layers);
  parts.dense_width = in.fields.required({"dense_intermediate_size"}, kMaxWidth);
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
  model.not_modelled.emplace_back(
      "the local block of sparse attention counts among the blocks picked (at most 6 % of its "
      "reads)");
}

// Low-rank queries and outputs around one row that is key and value.
//   params = H r_q + r_q h d + H d + h d r_o + o_groups r_o H, and the compressor
AttentionSpec read_compressed_base(const ConfigFields& fields, std::int64_t hidden) {
  AttentionSpec a;
  a.kind = AttentionKind::kCompressed;
  a.num_heads = fields.required({"num_attention_heads"}, kMaxHeads);
  a.num_kv_heads = 1;
  a.head_dim = fields.required({"head_dim"}, kMaxHeadDim);
  a.v_head_dim = a.head_dim;
  a.qk_rope_head_dim = fields.required({"qk_rope_head_dim"}, kMaxHeadDim);
  a.q_lora_rank = fields.required({"q_lora_rank"}, kMaxWidth);
  a.o_lora_rank = fields.required({"o_lora_rank"}, kMaxWidth);
  a.o_groups = fields.required({"o_groups"}, kMaxHeads);
  a.local_window = fields.required({"sliding_window"}, kMaxPositions);
  if (a.o_groups == 0 || a.num_heads % a.o_groups != 0) {
    fields.fault({"o_groups"}, "a divisor of num_attention_heads expected");
    a.o_groups = 1;
  }
  if (a.qk_rope_head_dim >= a.head_dim)
    fields.fault({"qk_rope_head_dim"}, "below head_dim expected");
  const std::int64_t width = a.num_heads * a.head_dim;
  a.unquantised_params = a.q_lora_rank + a.head_dim + a.num_heads;
  a.params = hidden * (a.q_lora_rank + a.head_dim) + a.q_lora_rank * width + width * a.o_lora_rank +
             a.o_groups * a.o_lora_rank * hidden + a.unquantised_params;
  a.window = a.local_window;
  return a;
}

// Keys and gates of `overlap` windows of `ratio` tokens, pooled into rows of `width`.
void add_compressor(AttentionSpec& a, std::int64_t hidden, std::int64_t overlap,
                    std::int64_t width) {
  const std::int64_t small = a.compress_ratio * overlap * width + width;
  a.params += 2 * hidden * overlap * width + small;
  a.unquantised_params += small;
  a.state_elements += overlap * a.compress_ratio * 2 * overlap * width;
}

AttentionSpec compressed_attention(const FamilyInput& in, AttentionSpec a, std::int64_t ratio) {
  if (ratio == 0) return a;
  a.window = 0;
  a.compress_ratio = ratio;
  const bool picks = ratio == 4;
  const std::int64_t overlap = picks ? 2 : 1;
  add_compressor(a, in.hidden, overlap, a.head_dim);
  if (!picks) return a;
  a.index_num_heads = in.fields.required({"index_n_heads"}, kMaxHeads);
  a.index_head_dim = in.fields.required({"index_head_dim"}, kMaxHeadDim);
  a.index_topk = in.fields.required({"index_topk"}, kMaxPositions);
  add_compressor(a, in.hidden, overlap, a.index_head_dim);
  a.params += a.q_lora_rank * a.index_num_heads * a.index_head_dim + in.hidden * a.index_num_heads;
  return a;
}

// One ratio per layer, and one for each MTP layer behind them, which are left out.
std::vector<std::int64_t> read_ratios(const FamilyInput& in) {
  std::vector<std::int64_t> ratios;
  const auto list = in.fields.find({"compress_ratios"});
  if (list && list->is_list()) {
    for (const Value& item : list->items()) {
      const auto ratio = item.integer(0, 128);
      if (ratio && *ratio != 0 && *ratio != 4 && *ratio != 128) item.fault("0, 4 or 128 expected");
      ratios.push_back(ratio.value_or(0));
    }
  }
  if (static_cast<std::int64_t>(ratios.size()) < in.num_layers) {
    in.fields.fault({"compress_ratios"}, "a list of 0, 4 or 128 for every layer expected");
  }
  ratios.resize(static_cast<std::size_t>(in.num_layers));
  return ratios;
}

// Two sites a layer mix hc_mult residual streams; one more does before the head.
//   site = (2 + m) m (m H + 1) + 3, head = m m H + m + 1
void add_hyper_connections(const FamilyInput& in, ModelSpec& model) {
  const std::int64_t m = in.fields.count_or({"hc_mult"}, 1, 64);
  model.residual_streams = m;
  if (m == 1) return;
  model.final_norm_params += m * m * in.hidden + m + 1;
  for (LayerSpec& layer : model.layers) {
    layer.residual_params = 2 * ((2 + m) * m * (m * in.hidden + 1) + 3);
    layer.residual_passes = 2 * (3 * m + 2);
  }
}

// Source: transformers, models/deepseek_v4; vLLM, models/deepseek_v4.py.
void read_deepseek_v4(const FamilyInput& in, ModelSpec& model) {
  const AttentionSpec base = read_compressed_base(in.fields, in.hidden);
  StackParts parts;
  for (const std::int64_t ratio : read_ratios(in)) {
    parts.attention.push_back(compressed_attention(in, base, ratio));
  }
  parts.sparse = every_layer(in.num_layers);
  parts.moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  parts.moe.shared_width =
      in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) * parts.moe.expert_width;
  parts.moe.router = read_deepseek_router(in.fields, "sqrtsoftplus", "noaux_tc");
  parts.moe.router.renormalise = in.fields.flag_or({"norm_topk_prob"}, true);
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
  const std::int64_t hashed = in.fields.integer_or({"num_hash_layers"}, 0, 0, in.num_layers);
  for (std::int64_t i = 0; i < hashed; ++i) {
    model.layers[static_cast<std::size_t>(i)].moe->router.correction_bias = false;
  }
  add_hyper_connections(in, model);
  model.not_modelled.emplace_back(
      "compressors and the weights of index heads in 16 bit: they count in the format of the "
      "linear layers");
  if (!in.fields.has({"routed_scaling_factor"})) {
    model.not_modelled.emplace_back("routed_scaling_factor is absent: 1 is taken");
  }
}

}  // namespace

std::vector<Family> sparse_families() {
  return {
      {"MiniMaxM3ForCausalLM", read_minimax_m3},
      {"MiniMaxM3SparseForConditionalGeneration", read_minimax_m3},
      {"DeepseekV4ForCausalLM", read_deepseek_v4},
  };
}

}  // namespace moesim
