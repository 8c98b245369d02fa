#include "models/spec/kv_bytes.h"

#include <algorithm>

#include "models/spec/rank_shapes.h"

namespace moesim {

double compressed_row_bytes(const AttentionSpec& a) {
  constexpr std::int64_t kScaledValues = 64;
  const std::int64_t values = a.head_dim - a.qk_rope_head_dim;
  return static_cast<double>(
      round_up(values + share(values, kScaledValues) + 2 * a.qk_rope_head_dim, 8));
}

Bytes kv_layer_bytes(const AttentionSpec& a, std::int64_t tp, Dtype kv) {
  constexpr double kScaledValues = 128;  // Values that share an fp32 scale.
  if (a.kind == AttentionKind::kGrouped) {
    return Bytes(static_cast<double>(rank_kv_heads(a, tp) * (a.head_dim + a.v_head_dim)) *
                 element_bytes(kv));
  }
  if (a.kind == AttentionKind::kCompressed) {
    return a.compress_ratio > 0
               ? Bytes(compressed_row_bytes(a) / static_cast<double>(a.compress_ratio))
               : Bytes();
  }
  if (a.kind != AttentionKind::kLatent) return Bytes();
  const double latent = static_cast<double>(a.kv_lora_rank);
  const double rope = static_cast<double>(a.qk_rope_head_dim);
  if (a.index_topk > 0 && element_bytes(kv) == 1) {
    return Bytes(latent * (1 + 4 / kScaledValues) + 2 * rope);
  }
  return Bytes((latent + rope) * element_bytes(kv));
}

Bytes index_key_bytes(const AttentionSpec& attention) {
  constexpr double kScaleBytes = 4;
  constexpr double kWideBytes = 2;
  if (attention.index_num_heads == 0) return Bytes();
  const double width = static_cast<double>(attention.index_head_dim);
  if (attention.kind == AttentionKind::kGrouped) return Bytes(width * kWideBytes);
  const double tokens = static_cast<double>(std::max<std::int64_t>(attention.compress_ratio, 1));
  return Bytes((width + kScaleBytes) / tokens);
}

Bytes state_bytes(const AttentionSpec& attention, std::int64_t tp) {
  if (attention.kind == AttentionKind::kCompressed) {
    return Bytes(static_cast<double>(attention.state_elements) *
                     element_bytes(attention.state_dtype) +
                 static_cast<double>(attention.local_window) * compressed_row_bytes(attention));
  }
  constexpr double kConvolutionBytes = 2;
  return Bytes(static_cast<double>(share(attention.state_elements, tp)) *
                   element_bytes(attention.state_dtype) +
               static_cast<double>(share(attention.conv_elements, tp)) * kConvolutionBytes);
}

Bytes kv_rank_bytes(const ModelSpec& model, const LayerRange& layers, std::int64_t tp, Dtype kv,
                    std::int64_t tokens) {
  Bytes sum;
  for (std::int64_t i = layers.first; i < layers.last; ++i) {
    const AttentionSpec& a = model.layers[static_cast<std::size_t>(i)].attention;
    const std::int64_t kept = a.window > 0 ? std::min(tokens, a.window) : tokens;
    sum += (kv_layer_bytes(a, tp, kv) + index_key_bytes(a)) * static_cast<double>(kept);
    sum += state_bytes(a, tp);
  }
  return sum;
}

Bytes kv_bytes(const ModelSpec& model, std::int64_t tokens, Dtype kv) {
  return kv_rank_bytes(model, {0, static_cast<std::int64_t>(model.layers.size())}, 1, kv, tokens);
}

Bytes kv_bytes_per_token(const ModelSpec& model, Dtype kv) {
  Bytes sum;
  for (const LayerSpec& layer : model.layers) {
    if (layer.attention.window == 0) sum += kv_layer_bytes(layer.attention, 1, kv);
  }
  return sum;
}

Bytes index_bytes_per_token(const ModelSpec& model) {
  Bytes sum;
  for (const LayerSpec& layer : model.layers) sum += index_key_bytes(layer.attention);
  return sum;
}

}  // namespace moesim
