// Token mixing of the architecture families: shapes from a config, parameters from first
// principles.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/config/config_fields.h"
#include "models/spec/model_spec.h"

namespace moesim {

enum class QkNorm {
  kNone,
  kPerHead,  // One weight per element of a head, shared by the heads.
  kPerLayer  // One weight per element of all heads together.
};

// Additions of a family to the four projections of grouped attention.
struct GroupedStyle {
  bool qkv_bias = false;
  bool output_bias = false;
  QkNorm qk_norm = QkNorm::kNone;
  bool sinks = false;        // One learned logit per head.
  bool output_gate = false;  // The query projection is doubled; its second half gates the output.
  bool head_gate = false;    // One gate per query head.
};

// Counts the parameters of grouped attention whose heads and widths are set.
//   params = H n (d_qk (1 + gate) + d_v) + H n_kv (d_qk + d_v) + H head gates + biases + norms +
//   sinks; without d_v of the KV heads where shared_kv.
void set_grouped_params(AttentionSpec& attention, std::int64_t hidden, const GroupedStyle& style);

// MHA, GQA or MQA: num_attention_heads, num_key_value_heads, head_dim, v_head_dim.
AttentionSpec read_grouped_attention(const ConfigFields& fields, std::int64_t hidden,
                                     const GroupedStyle& style);

// Multi-head latent attention, with the DeepSeek sparse indexer when index_topk is there.
// Source: arXiv:2405.04434 section 2.1 (MLA); DeepSeek-V3.2 inference code (indexer shapes).
AttentionSpec read_latent_attention(const ConfigFields& fields, std::int64_t hidden);

// The same without the indexer, for a layer that takes the keys of an earlier one (GLM-5.2).
AttentionSpec without_indexer(AttentionSpec attention, std::int64_t hidden);

// Which layers have an indexer of their own: indexer_types, else index_topk_freq and
// index_skip_topk_offset. Source: transformers, GlmMoeDsaConfig.
std::vector<bool> read_indexer_layers(const ConfigFields& fields, std::int64_t num_layers);

// Gated DeltaNet of Qwen3-Next and Qwen3.5.
// Source: transformers, Qwen3NextGatedDeltaNet (shapes).
AttentionSpec read_gated_delta_net(const ConfigFields& fields, std::int64_t hidden);

// Kimi Delta Attention. Source: SGLang, srt/models/kimi_k3.py (shapes).
AttentionSpec read_kimi_delta(const ConfigFields& linear, std::int64_t hidden);

// Mamba-2 as in Nemotron-H. Source: transformers, NemotronHMamba2Mixer (shapes).
AttentionSpec read_mamba2(const ConfigFields& fields, std::int64_t hidden);

// Lightning attention of MiniMax-Text-01 and M1: four projections to heads, one back, one norm.
AttentionSpec lightning_attention(const AttentionSpec& grouped, std::int64_t hidden);

// Mamba-1 as in Jamba. Source: arXiv:2312.00752, transformers JambaMambaMixer (shapes).
AttentionSpec read_mamba(const ConfigFields& fields, std::int64_t hidden);

// Window of each layer, 0 = the whole context. `layer_types` decides when the config has it, else
// is_local(layer). A window that holds the longest context counts as none.
std::vector<std::int64_t> read_windows(const ConfigFields& fields, std::int64_t num_layers,
                                       const std::function<bool(std::int64_t)>& is_local);

}  // namespace moesim
