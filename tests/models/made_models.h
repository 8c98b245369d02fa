// Published architectures written out by hand, so that these tests need no catalogue.
#pragma once

#include <cstdint>

#include "models/spec/model_spec.h"

namespace moesim::made {

inline AttentionSpec grouped(std::int64_t hidden, std::int64_t heads, std::int64_t kv_heads,
                             std::int64_t dim) {
  AttentionSpec a;
  a.num_heads = heads;
  a.num_kv_heads = kv_heads;
  a.head_dim = dim;
  a.v_head_dim = dim;
  a.params = hidden * dim * 2 * (heads + kv_heads);
  return a;
}

// Multi-head latent attention of DeepSeek-V3.
inline AttentionSpec latent() {
  AttentionSpec a;
  a.kind = AttentionKind::kLatent;
  a.num_heads = 128;
  a.num_kv_heads = 128;
  a.head_dim = 192;
  a.v_head_dim = 128;
  a.q_lora_rank = 1536;
  a.kv_lora_rank = 512;
  a.qk_nope_head_dim = 128;
  a.qk_rope_head_dim = 64;
  a.unquantised_params = 1536 + 512;
  a.params = 7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 * 128 * 256 + 128 * 128 * 7168 +
             a.unquantised_params;
  return a;
}

inline AttentionSpec sparse_latent() {
  AttentionSpec a = latent();
  a.index_num_heads = 64;
  a.index_head_dim = 128;
  a.index_topk = 2048;
  a.params += 1536 * 64 * 128 + 7168 * (128 + 64);
  return a;
}

// Gated DeltaNet of Qwen3-Next.
inline AttentionSpec delta_net() {
  AttentionSpec a;
  a.kind = AttentionKind::kLinear;
  a.num_heads = 32;
  a.num_kv_heads = 16;
  a.head_dim = 128;
  a.v_head_dim = 128;
  a.state_elements = 32 * 128 * 128;
  a.conv_elements = 8192 * 3;
  a.unquantised_params = 8192 * 4 + 64 + 128;
  a.params = 2048 * (8192 + 4096 + 64) + 4096 * 2048 + a.unquantised_params;
  return a;
}

inline MoeSpec experts(std::int64_t hidden, std::int64_t count, std::int64_t top_k,
                       std::int64_t width) {
  MoeSpec moe;
  moe.num_experts = count;
  moe.top_k = top_k;
  moe.expert_width = width;
  moe.expert_input = hidden;
  return moe;
}

inline ModelSpec model(std::int64_t hidden, std::int64_t vocabulary, std::int64_t layers,
                       const LayerSpec& layer) {
  ModelSpec m;
  m.name = "made";
  m.hidden_size = hidden;
  m.vocab_size = vocabulary;
  m.max_positions = 32768;
  m.final_norm_params = hidden;
  m.layers.assign(static_cast<std::size_t>(layers), layer);
  return m;
}

inline LayerSpec dense_layer(std::int64_t hidden, const AttentionSpec& attention,
                             std::int64_t width) {
  LayerSpec layer;
  layer.attention = attention;
  layer.dense_width = width;
  layer.norm_params = 2 * hidden;
  return layer;
}

inline LayerSpec moe_layer(std::int64_t hidden, const AttentionSpec& attention,
                           const MoeSpec& moe) {
  LayerSpec layer = dense_layer(hidden, attention, 0);
  layer.moe = moe;
  return layer;
}

inline ModelSpec llama_2_70b() {
  return model(8192, 32000, 80, dense_layer(8192, grouped(8192, 64, 8, 128), 28672));
}

inline ModelSpec mixtral_8x7b() {
  return model(4096, 32000, 32,
               moe_layer(4096, grouped(4096, 32, 8, 128), experts(4096, 8, 2, 14336)));
}

inline ModelSpec deepseek_v3() {
  MoeSpec moe = experts(7168, 256, 8, 2048);
  moe.shared_width = 2048;
  ModelSpec m = model(7168, 129280, 61, moe_layer(7168, latent(), moe));
  for (std::size_t i = 0; i < 3; ++i) m.layers[i] = dense_layer(7168, latent(), 18432);
  return m;
}

// One layer of each sort at a size that a reader can multiply out.
inline ModelSpec tiny_moe() {
  MoeSpec moe = experts(64, 8, 2, 32);
  moe.shared_width = 16;
  ModelSpec m = model(64, 128, 2, moe_layer(64, grouped(64, 4, 2, 16), moe));
  m.layers[0] = dense_layer(64, grouped(64, 4, 2, 16), 128);
  return m;
}

}  // namespace moesim::made
