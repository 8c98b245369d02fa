#include "models/spec/model_spec.h"

#include <algorithm>
#include <stdexcept>

namespace moesim {

bool ModelSpec::is_moe() const {
  return num_moe_layers() > 0;
}

std::int64_t ModelSpec::num_moe_layers() const {
  return std::count_if(layers.begin(), layers.end(),
                       [](const LayerSpec& layer) { return layer.moe.has_value(); });
}

const MoeSpec& ModelSpec::moe() const {
  for (const LayerSpec& layer : layers) {
    if (layer.moe) return *layer.moe;
  }
  throw std::logic_error("moe() of a dense model");
}

std::int64_t sum_over_active_experts(const MoeSpec& moe, std::int64_t each) {
  const RouterSpec& router = moe.router;
  if (router.num_zero_experts == 0) return moe.top_k * each;
  const double real = static_cast<double>(moe.top_k) * static_cast<double>(moe.num_experts) /
                      static_cast<double>(moe.num_experts + router.num_zero_experts);
  return static_cast<std::int64_t>(real * static_cast<double>(each) + 0.5);
}

namespace {

// Gate: one row per routed and zero expert, its biases, and the row of the shared gate.
std::int64_t gate_params(const MoeSpec& moe, std::int64_t hidden) {
  const std::int64_t rows = moe.num_experts + moe.router.num_zero_experts;
  const int biases = (moe.router.gate_bias ? 1 : 0) + (moe.router.correction_bias ? 1 : 0);
  return rows * (hidden + biases) + (moe.shared_gate ? hidden : 0);
}

std::int64_t dense_params(const LayerSpec& layer, std::int64_t hidden) {
  if (layer.dense_width == 0) return 0;
  const std::int64_t biases = (layer.dense_matrices - 1) * layer.dense_width + hidden;
  return layer.dense_matrices * hidden * layer.dense_width + (layer.dense_bias ? biases : 0);
}

}  // namespace

LayerParameters count_parameters(const ModelSpec& model, const LayerSpec& layer) {
  LayerParameters count;
  count.attention = layer.attention.params;
  count.norms = layer.norm_params + layer.residual_params;
  count.dense = dense_params(layer, model.hidden_size);
  if (!layer.moe) return count;
  const MoeSpec& moe = *layer.moe;
  count.gate = gate_params(moe, model.hidden_size) + moe.latent_params(model.hidden_size);
  count.shared = moe.ffn_matrices * model.hidden_size * moe.shared_width;
  count.routed = moe.num_experts * moe.expert_params();
  count.routed_active = sum_over_active_experts(moe, moe.expert_params());
  return count;
}

ParameterCounts count_parameters(const ModelSpec& model) {
  std::int64_t common = model.position_params + model.final_norm_params;
  std::int64_t routed = 0;
  std::int64_t routed_active = 0;
  for (const LayerSpec& layer : model.layers) {
    const LayerParameters count = count_parameters(model, layer);
    common += count.attention + count.norms + count.dense + count.gate + count.shared;
    routed += count.routed;
    routed_active += count.routed_active;
  }
  const std::int64_t embedding = model.embedding_params();
  const std::int64_t head = model.tied_embeddings ? 0 : embedding;
  ParameterCounts counts;
  counts.total = common + routed + embedding + head;
  counts.active_no_vocabulary = common + routed_active;
  // A tied matrix is used as the head even when the look-up is not counted.
  counts.active_no_embedding = counts.active_no_vocabulary + embedding;
  counts.active = counts.active_no_vocabulary + embedding + head;
  return counts;
}

namespace {

std::int64_t visible_keys(const AttentionSpec& attention, std::int64_t context) {
  return attention.window > 0 ? std::min(attention.window, context) : context;
}

// Scores and values of one token over n visible keys, beyond the projections.
//   grouped, latent: 2 h (d_qk + d_v) n;  sparse: n = min(context, index_topk), plus the indexer's
//   2 h_i d_i context;  linear: state_flops per state element (decay and update, then read);
//   compressed: n = min(context, local_window) + min(context / compress_ratio, index_topk).
double mixing_flops(const AttentionSpec& a, std::int64_t context) {
  if (a.kind == AttentionKind::kNone) return 0;
  if (a.kind == AttentionKind::kLinear) {
    return static_cast<double>(a.state_flops * a.state_elements);
  }
  std::int64_t keys = visible_keys(a, context);
  if (a.compress_ratio > 0) keys = context / a.compress_ratio;
  double indexer = 0;
  if (a.index_topk > 0) {
    indexer =
        2 * static_cast<double>(a.index_num_heads * a.index_head_dim) * static_cast<double>(keys);
    keys = std::min(keys, a.index_topk);
  }
  if (a.compress_ratio > 0) keys += std::min(context, a.local_window);
  return indexer + 2 * static_cast<double>(a.num_heads * (a.head_dim + a.v_head_dim)) *
                       static_cast<double>(keys);
}

}  // namespace

Flops mixing_flops_per_token(const ModelSpec& model, std::int64_t context) {
  double flops = 0;
  for (const LayerSpec& layer : model.layers) flops += mixing_flops(layer.attention, context);
  return Flops(flops);
}

Flops flops_per_token(const ModelSpec& model, std::int64_t context) {
  double flops = 2 * static_cast<double>(model.embedding_params());  // The head.
  for (const LayerSpec& layer : model.layers) {
    const LayerParameters count = count_parameters(model, layer);
    const std::int64_t matrices = count.attention - layer.attention.unquantised_params +
                                  count.dense + count.gate + count.shared + count.routed_active;
    flops += 2 * static_cast<double>(matrices + layer.residual_params);
  }
  return Flops(flops) + mixing_flops_per_token(model, context);
}

}  // namespace moesim
