#include "models/config/config_attention.h"

#include <algorithm>

namespace moesim {

void set_grouped_params(AttentionSpec& attention, std::int64_t hidden, const GroupedStyle& style) {
  const std::int64_t queries = attention.num_heads * attention.head_dim;
  const std::int64_t keys = attention.num_kv_heads * attention.head_dim;
  const std::int64_t values = attention.num_kv_heads * attention.v_head_dim;
  const std::int64_t outputs = attention.num_heads * attention.v_head_dim;
  const std::int64_t gate = style.output_gate ? outputs : 0;

  std::int64_t small = 0;
  if (style.qkv_bias) small += queries + gate + keys + values;
  if (style.output_bias) small += hidden;
  if (style.sinks) small += attention.num_heads;
  if (style.qk_norm == QkNorm::kPerHead) small += 2 * attention.head_dim;
  if (style.qk_norm == QkNorm::kPerLayer) small += queries + keys;

  const std::int64_t head_gates = style.head_gate ? attention.num_heads : 0;
  const std::int64_t value_columns = attention.shared_kv ? 0 : values;
  attention.params =
      hidden * (queries + gate + keys + value_columns + outputs + head_gates) + small;
  attention.unquantised_params = small;
}

namespace {

// Explicit, or hidden_size shared out over the heads. 0 after a fault.
std::int64_t read_head_dim(const ConfigFields& fields, std::int64_t hidden,
                           std::int64_t num_heads) {
  const Names head_dim = {"head_dim", "attention_head_dim", "kv_channels"};
  if (fields.has(head_dim)) return fields.required(head_dim, kMaxHeadDim);
  if (num_heads == 0) return 0;
  const Names heads = {"num_attention_heads", "n_heads", "n_head", "num_heads"};
  if (hidden % num_heads != 0) {
    fields.fault(heads, "a divisor of hidden_size " + std::to_string(hidden) +
                            " expected, or head_dim given");
    return 0;
  }
  if (hidden / num_heads > kMaxHeadDim) {
    fields.fault(heads, "heads of at most " + std::to_string(kMaxHeadDim) + " expected");
    return 0;
  }
  return hidden / num_heads;
}

}  // namespace

AttentionSpec read_grouped_attention(const ConfigFields& fields, std::int64_t hidden,
                                     const GroupedStyle& style) {
  AttentionSpec attention;
  attention.kind = AttentionKind::kGrouped;
  attention.num_heads =
      fields.required({"num_attention_heads", "n_heads", "n_head", "num_heads"}, kMaxHeads);
  attention.num_kv_heads =
      fields.count_or({"num_key_value_heads", "num_query_groups", "num_attention_groups"},
                      attention.num_heads, kMaxHeads);
  if (attention.num_kv_heads > 0 && attention.num_heads % attention.num_kv_heads != 0) {
    fields.fault(
        {"num_key_value_heads", "num_query_groups", "num_attention_groups"},
        "a divisor of the " + std::to_string(attention.num_heads) + " attention heads expected");
  }
  attention.head_dim = read_head_dim(fields, hidden, attention.num_heads);
  attention.v_head_dim = fields.count_or({"v_head_dim"}, attention.head_dim, kMaxHeadDim);
  set_grouped_params(attention, hidden, style);
  return attention;
}

namespace {

// Parameters of the indexer: queries from the compressed query, one key with a layer norm, and one
// weight per index head.
//   params = r_q n_i d_i + H d_i + 2 d_i + H n_i
void add_indexer(const ConfigFields& fields, std::int64_t hidden, AttentionSpec& attention) {
  attention.index_topk = fields.required({"index_topk"}, kMaxPositions);
  attention.index_num_heads = fields.required({"index_n_heads"}, kMaxHeads);
  attention.index_head_dim = fields.required({"index_head_dim"}, kMaxHeadDim);
  const std::int64_t source = attention.q_lora_rank > 0 ? attention.q_lora_rank : hidden;
  const std::int64_t norm = 2 * attention.index_head_dim;
  attention.params += source * attention.index_num_heads * attention.index_head_dim +
                      hidden * (attention.index_head_dim + attention.index_num_heads) + norm;
  attention.unquantised_params += norm;
}

}  // namespace

AttentionSpec read_latent_attention(const ConfigFields& fields, std::int64_t hidden) {
  AttentionSpec a;
  a.kind = AttentionKind::kLatent;
  a.num_heads = fields.required({"num_attention_heads"}, kMaxHeads);
  a.num_kv_heads = a.num_heads;
  a.q_lora_rank = fields.count_or({"q_lora_rank"}, 0, kMaxWidth);
  a.kv_lora_rank = fields.required({"kv_lora_rank"}, kMaxWidth);
  a.qk_nope_head_dim = fields.required({"qk_nope_head_dim"}, kMaxHeadDim);
  a.qk_rope_head_dim = fields.required({"qk_rope_head_dim"}, kMaxHeadDim);
  a.v_head_dim = fields.required({"v_head_dim"}, kMaxHeadDim);
  a.head_dim = a.qk_nope_head_dim + a.qk_rope_head_dim;

  const std::int64_t queries = a.num_heads * a.head_dim;
  const std::int64_t query_params =
      a.q_lora_rank > 0 ? a.q_lora_rank * (hidden + queries) : hidden * queries;
  const std::int64_t latent = a.kv_lora_rank + a.qk_rope_head_dim;
  std::int64_t small = a.q_lora_rank + a.kv_lora_rank;  // The norms of both latents.
  if (fields.flag_or({"attention_bias"}, false)) small += a.q_lora_rank + latent + hidden;
  a.params = query_params + hidden * latent +
             a.kv_lora_rank * a.num_heads * (a.qk_nope_head_dim + a.v_head_dim) +
             a.num_heads * a.v_head_dim * hidden + small;
  a.unquantised_params = small;
  if (fields.flag_or({"mla_use_output_gate"}, false)) {
    a.output_gate = true;
    a.params += hidden * a.num_heads * a.v_head_dim;
  }
  if (fields.has({"index_topk"})) add_indexer(fields, hidden, a);
  return a;
}

AttentionSpec without_indexer(AttentionSpec a, std::int64_t hidden) {
  const std::int64_t source = a.q_lora_rank > 0 ? a.q_lora_rank : hidden;
  const std::int64_t norm = 2 * a.index_head_dim;
  a.params -= source * a.index_num_heads * a.index_head_dim +
              hidden * (a.index_head_dim + a.index_num_heads) + norm;
  a.unquantised_params -= norm;
  a.index_num_heads = 0;
  a.index_head_dim = 0;
  return a;
}

std::vector<bool> read_indexer_layers(const ConfigFields& fields, std::int64_t num_layers) {
  std::vector<bool> own(static_cast<std::size_t>(num_layers), true);
  if (fields.has({"indexer_types"})) {
    const auto types = fields.text_per_layer({"indexer_types"}, num_layers, {"full", "shared"});
    for (std::size_t i = 0; i < types.size(); ++i) own[i] = types[i] == "full";
    return own;
  }
  if (fields.has({"index_topk_pattern"})) {
    fields.fault({"index_topk_pattern"}, "indexer_types expected beside it");
    return own;
  }
  const std::int64_t step = fields.count_or({"index_topk_freq"}, 1, kMaxLayers);
  const std::int64_t offset = fields.integer_or({"index_skip_topk_offset"}, 0, 0, kMaxLayers);
  for (std::int64_t i = 0; i < num_layers; ++i) {
    own[static_cast<std::size_t>(i)] = i < offset || (i - offset + 1) % step == 0;
  }
  return own;
}

namespace {

// Of a decoded token per element of the state: decay, prediction, update, read.
constexpr std::int64_t kDeltaRuleFlops = 7;
constexpr std::int64_t kMamba2Flops = 6;

Dtype read_state_dtype(const ConfigFields& fields, Names names) {
  const std::string name = fields.text_or(names, "float32");
  if (name == "float32") return Dtype::kFp32;
  if (name == "bfloat16") return Dtype::kBf16;
  if (name == "float16") return Dtype::kFp16;
  fields.fault(names, "one of float32, bfloat16, float16 expected");
  return Dtype::kFp32;
}

}  // namespace

AttentionSpec read_gated_delta_net(const ConfigFields& fields, std::int64_t hidden) {
  const std::int64_t key_heads = fields.required({"linear_num_key_heads"}, kMaxHeads);
  const std::int64_t value_heads = fields.required({"linear_num_value_heads"}, kMaxHeads);
  const std::int64_t key_dim = fields.required({"linear_key_head_dim"}, kMaxHeadDim);
  const std::int64_t value_dim = fields.required({"linear_value_head_dim"}, kMaxHeadDim);
  const std::int64_t kernel = fields.count_or({"linear_conv_kernel_dim"}, 4, 1000);
  if (key_heads > 0 && value_heads % key_heads != 0) {
    fields.fault({"linear_num_value_heads"}, "a multiple of linear_num_key_heads expected");
  }

  AttentionSpec a;
  a.kind = AttentionKind::kLinear;
  a.num_heads = value_heads;
  a.num_kv_heads = key_heads;
  a.head_dim = key_dim;
  a.v_head_dim = value_dim;
  const std::int64_t keys = key_heads * key_dim;
  const std::int64_t values = value_heads * value_dim;
  const std::int64_t mixed = 2 * keys + values;  // Queries, keys and values pass the convolution.
  const std::int64_t small = mixed * kernel + 2 * value_heads + value_dim;  // + decay, bias, norm.
  a.params = hidden * (mixed + values + 2 * value_heads) + values * hidden + small;
  a.unquantised_params = small;
  a.state_elements = value_heads * key_dim * value_dim;
  a.state_dtype = read_state_dtype(fields, {"mamba_ssm_dtype"});
  a.state_flops = kDeltaRuleFlops;
  a.conv_elements = mixed * (kernel - 1);
  return a;
}

AttentionSpec read_kimi_delta(const ConfigFields& linear, std::int64_t hidden) {
  AttentionSpec a;
  a.kind = AttentionKind::kLinear;
  a.num_heads = linear.required({"num_heads"}, kMaxHeads);
  a.num_kv_heads = a.num_heads;
  a.head_dim = linear.required({"head_dim"}, kMaxHeadDim);
  a.v_head_dim = a.head_dim;
  const std::int64_t kernel = linear.count_or({"short_conv_kernel_size"}, 4, 1000);
  const bool full_gate = linear.flag_or({"use_full_rank_gate"}, false);
  const std::int64_t width = a.num_heads * a.head_dim;
  const std::int64_t low_rank = hidden * a.head_dim + a.head_dim * width;
  // Convolutions, bias of the time step, decay of each head, norm.
  const std::int64_t small = 3 * width * kernel + width + a.num_heads + a.head_dim;
  a.params = 4 * hidden * width + hidden * a.num_heads + low_rank +
             (full_gate ? hidden * width : low_rank) + small;
  a.unquantised_params = small;
  a.state_elements = width * a.head_dim;
  a.state_flops = kDeltaRuleFlops;
  a.conv_elements = 3 * width * (kernel - 1);
  return a;
}

AttentionSpec read_mamba2(const ConfigFields& fields, std::int64_t hidden) {
  AttentionSpec a;
  a.kind = AttentionKind::kLinear;
  a.num_heads = fields.required({"mamba_num_heads"}, kMaxHeads);
  a.v_head_dim = fields.required({"mamba_head_dim"}, kMaxHeadDim);
  a.head_dim = fields.required({"ssm_state_size"}, kMaxHeadDim);
  a.num_kv_heads = fields.required({"n_groups", "mamba_n_groups"}, kMaxHeads);
  const std::int64_t kernel = fields.count_or({"conv_kernel"}, 4, 1000);
  const std::int64_t inner = a.num_heads * a.v_head_dim;
  const std::int64_t mixed = inner + 2 * a.num_kv_heads * a.head_dim;
  const std::int64_t conv_bias = fields.flag_or({"use_conv_bias"}, true) ? mixed : 0;
  const std::int64_t small = mixed * kernel + conv_bias + 3 * a.num_heads + inner;
  a.params = hidden * (inner + mixed + a.num_heads) + inner * hidden + small;
  a.unquantised_params = small;
  a.state_elements = inner * a.head_dim;
  a.state_dtype = read_state_dtype(fields, {"mamba_ssm_cache_dtype"});
  a.state_flops = kMamba2Flops;
  a.conv_elements = mixed * (kernel - 1);
  return a;
}

AttentionSpec lightning_attention(const AttentionSpec& grouped, std::int64_t hidden) {
  AttentionSpec a = grouped;
  a.kind = AttentionKind::kLinear;
  a.num_kv_heads = a.num_heads;
  a.v_head_dim = a.head_dim;
  const std::int64_t heads = a.num_heads * a.head_dim;
  a.params = 5 * hidden * heads + heads;
  a.unquantised_params = heads;
  a.state_elements = heads * a.head_dim;
  return a;
}

AttentionSpec read_mamba(const ConfigFields& fields, std::int64_t hidden) {
  const std::int64_t state = fields.required({"mamba_d_state"}, 1'000'000);
  const std::int64_t kernel = fields.count_or({"mamba_d_conv"}, 4, 1000);
  const std::int64_t inner = hidden * fields.count_or({"mamba_expand"}, 2, 100);
  const std::int64_t automatic_rank = (hidden + 15) / 16;
  const bool automatic = fields.text_or({"mamba_dt_rank"}, "auto") == "auto";
  const std::int64_t rank =
      automatic ? automatic_rank : fields.required({"mamba_dt_rank"}, kMaxWidth);

  AttentionSpec a;
  a.kind = AttentionKind::kLinear;
  a.num_heads = 1;
  a.num_kv_heads = 1;
  a.head_dim = state;
  a.v_head_dim = inner;
  const std::int64_t conv_bias = fields.flag_or({"mamba_conv_bias"}, true) ? inner : 0;
  const std::int64_t projection_bias =
      fields.flag_or({"mamba_proj_bias"}, false) ? 2 * inner + hidden : 0;
  // Convolution, time-step bias, A, D, and the norms of time step, B and C.
  const std::int64_t small = inner * kernel + conv_bias + projection_bias + inner + inner * state +
                             inner + rank + 2 * state;
  a.params =
      hidden * 2 * inner + inner * (rank + 2 * state) + rank * inner + inner * hidden + small;
  a.unquantised_params = small;
  a.state_elements = inner * state;
  a.conv_elements = inner * (kernel - 1);
  return a;
}

std::vector<std::int64_t> read_windows(const ConfigFields& fields, std::int64_t num_layers,
                                       const std::function<bool(std::int64_t)>& is_local) {
  const Names size_names = {"sliding_window", "attention_chunk_size", "sliding_window_size"};
  const std::int64_t longest =
      fields.count_or({"max_position_embeddings"}, kMaxPositions, kMaxPositions);
  std::int64_t window = fields.count_or(size_names, 0, kMaxPositions);
  if (window >= longest) window = 0;
  std::vector<std::int64_t> windows(static_cast<std::size_t>(num_layers), 0);
  const auto types = fields.text_per_layer(
      {"layer_types"}, num_layers,
      {"full_attention", "sliding_attention", "chunked_attention", "linear_attention"});
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const bool local = types.empty()
                           ? is_local(static_cast<std::int64_t>(i))
                           : types[i] == "sliding_attention" || types[i] == "chunked_attention";
    if (local) windows[i] = window;
  }
  const bool typed_local = std::any_of(types.begin(), types.end(), [](const std::string& type) {
    return type == "sliding_attention" || type == "chunked_attention";
  });
  if (typed_local) fields.required(size_names, kMaxPositions);  // Adds the fault when absent.
  return windows;
}

}  // namespace moesim
