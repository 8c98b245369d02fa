#include "models/spec/dense_twin.h"

#include <algorithm>
#include <cmath>

namespace moesim {
namespace {

// Width that a token passes in the active twin, or that the layer holds in the total twin.
std::int64_t twin_width(const MoeSpec& moe, TwinKind kind) {
  const std::int64_t routed = kind == TwinKind::kActive
                                  ? sum_over_active_experts(moe, moe.expert_width)
                                  : moe.num_experts * moe.expert_width;
  return routed + moe.shared_width;
}

}  // namespace

ModelSpec dense_twin(const ModelSpec& moe, TwinKind kind) {
  ModelSpec twin = moe;
  twin.name += kind == TwinKind::kActive ? "-dense-active" : "-dense-total";
  for (LayerSpec& layer : twin.layers) {
    if (!layer.moe) continue;
    layer.dense_matrices = layer.moe->ffn_matrices;
    layer.dense_bias = layer.moe->expert_bias;
    layer.dense_width += twin_width(*layer.moe, kind);
    layer.formats.dense = layer.formats.routed;
    layer.moe.reset();
  }
  return twin;
}

namespace {

// Heads come in multiples that tensor parallelism can share out.
constexpr std::int64_t kHeadStep = 8;
// A trimmed width is a multiple of the largest power of two within width / kTrimSteps, so that
// rounding moves it by at most 1 / (2 kTrimSteps).
constexpr std::int64_t kTrimSteps = 128;
constexpr std::int64_t kWidestUnit = 256;

std::int64_t scaled(std::int64_t value, double ratio) {
  if (value == 0) return 0;
  return std::max<std::int64_t>(1, std::llround(static_cast<double>(value) * ratio));
}

std::int64_t multiple_of(double value, std::int64_t unit) {
  return std::max<std::int64_t>(unit, unit * std::llround(value / static_cast<double>(unit)));
}

// Heads of the first layer whose attention has any: they set the model's width.
std::int64_t main_heads(const ModelSpec& model) {
  for (const LayerSpec& layer : model.layers) {
    const AttentionSpec& a = layer.attention;
    if (a.kind != AttentionKind::kNone && a.kind != AttentionKind::kLinear) return a.num_heads;
  }
  return kHeadStep;
}

// Ratios of heads and of the hidden size, which rounding may set apart.
struct Ratios {
  double heads = 1;
  double hidden = 1;
  std::int64_t new_hidden = 0;
};

// Grouped attention: the matrices are hidden x columns; an output gate counts among the columns.
void scale_grouped(AttentionSpec& a, std::int64_t hidden, const Ratios& by) {
  const std::int64_t width = a.head_dim + a.v_head_dim;
  const std::int64_t matrices = a.params - a.unquantised_params;
  const std::int64_t gate = matrices / hidden - (a.num_heads + a.num_kv_heads) * width;
  const bool one_each = a.num_kv_heads == a.num_heads;
  a.num_heads = scaled(a.num_heads, by.heads);
  if (one_each) a.num_kv_heads = a.num_heads;
  // Fewer query heads than KV heads are none; and each KV head serves as many queries.
  a.num_kv_heads = std::min(a.num_kv_heads, a.num_heads);
  while (a.num_heads % a.num_kv_heads != 0) --a.num_kv_heads;
  a.unquantised_params = scaled(a.unquantised_params, by.heads);
  a.params = by.new_hidden * ((a.num_heads + a.num_kv_heads) * width +
                              scaled(std::max<std::int64_t>(gate, 0), by.heads)) +
             a.unquantised_params;
}

// MLA: latents stay, heads and hidden size grow. The formula is that of read_latent_attention().
void scale_latent(AttentionSpec& a, const Ratios& by) {
  a.num_heads = scaled(a.num_heads, by.heads);
  a.num_kv_heads = a.num_heads;
  const std::int64_t hidden = by.new_hidden;
  const std::int64_t queries = a.num_heads * a.head_dim;
  const std::int64_t source = a.q_lora_rank > 0 ? a.q_lora_rank : hidden;
  a.params = (a.q_lora_rank > 0 ? a.q_lora_rank * (hidden + queries) : hidden * queries) +
             hidden * (a.kv_lora_rank + a.qk_rope_head_dim) +
             a.kv_lora_rank * a.num_heads * (a.qk_nope_head_dim + a.v_head_dim) +
             a.num_heads * a.v_head_dim * hidden + a.unquantised_params;
  if (a.index_topk > 0) {
    a.params += source * a.index_num_heads * a.index_head_dim +
                hidden * (a.index_head_dim + a.index_num_heads);
  }
}

// Linear attention: one input matrix, whose columns grow with the heads (or, of a state-space
// layer, with its channels), and one output matrix.
void scale_linear(AttentionSpec& a, std::int64_t hidden, const Ratios& by) {
  const std::int64_t columns = (a.params - a.unquantised_params) / hidden;
  const bool channels = a.num_heads == 1;
  const double ratio = channels ? by.hidden : by.heads;
  if (channels) {
    a.v_head_dim = scaled(a.v_head_dim, ratio);
  } else {
    const std::int64_t per_key = a.num_heads / std::max<std::int64_t>(a.num_kv_heads, 1);
    a.num_kv_heads = scaled(a.num_kv_heads, ratio);
    a.num_heads = a.num_kv_heads * per_key;
  }
  a.state_elements = scaled(a.state_elements, ratio);
  a.conv_elements = scaled(a.conv_elements, ratio);
  a.unquantised_params = scaled(a.unquantised_params, ratio);
  a.params = by.new_hidden * scaled(columns, ratio) + a.unquantised_params;
}

void scale_attention(AttentionSpec& a, std::int64_t hidden, const Ratios& by) {
  switch (a.kind) {
    case AttentionKind::kNone:
      return;
    case AttentionKind::kGrouped:
      return scale_grouped(a, hidden, by);
    case AttentionKind::kLatent:
      return scale_latent(a, by);
    case AttentionKind::kLinear:
      return scale_linear(a, hidden, by);
    case AttentionKind::kCompressed:
      a.num_heads = scaled(a.num_heads, by.heads);
      a.params = scaled(a.params, by.hidden);
      return;
  }
}

// The body with other heads and widths, as many layers.
ModelSpec widened(const ModelSpec& body, std::int64_t heads) {
  const std::int64_t own_heads = main_heads(body);
  ModelSpec model = body;
  Ratios by;
  by.heads = static_cast<double>(heads) / static_cast<double>(own_heads);
  by.new_hidden = heads == own_heads
                      ? body.hidden_size
                      : multiple_of(static_cast<double>(body.hidden_size) * by.heads, 64);
  by.hidden = static_cast<double>(by.new_hidden) / static_cast<double>(body.hidden_size);
  for (LayerSpec& layer : model.layers) {
    if (heads != own_heads) scale_attention(layer.attention, body.hidden_size, by);
    layer.dense_width = scaled(layer.dense_width, by.hidden);
    layer.norm_params = scaled(layer.norm_params, by.hidden);
  }
  model.hidden_size = by.new_hidden;
  model.position_params = scaled(body.position_params, by.hidden);
  model.final_norm_params = scaled(body.final_norm_params, by.hidden);
  return model;
}

double total(const ModelSpec& model) {
  return static_cast<double>(count_parameters(model).total);
}

double of_layers(const ModelSpec& model) {
  ModelSpec empty = model;
  empty.layers.clear();
  return total(model) - total(empty);
}

void set_depth(ModelSpec& model, double params) {
  const double rest = params - (total(model) - of_layers(model));
  const double each = of_layers(model) / static_cast<double>(model.layers.size());
  const auto layers = std::max<std::int64_t>(1, std::llround(rest / each));
  ModelOverrides depth;
  depth.num_layers = layers;
  model = with_overrides(std::move(model), depth);
}

// Scales all feed-forward widths until the total is `params`.
void trim(ModelSpec& model, double params) {
  ModelSpec bare = model;
  for (LayerSpec& layer : bare.layers) layer.dense_width = 0;
  const double blocks = total(model) - total(bare);
  if (!(blocks > 0)) return;
  const double factor = std::max(0.0, (params - total(bare)) / blocks);
  for (LayerSpec& layer : model.layers) {
    if (layer.dense_width == 0) continue;
    const double width = static_cast<double>(layer.dense_width) * factor;
    std::int64_t unit = kWidestUnit;
    while (unit > 1 && width < static_cast<double>(unit * kTrimSteps)) unit /= 2;
    layer.dense_width = multiple_of(width, unit);
  }
}

// Heads for a size, in steps that stay true to the own model at its own size. Layers grow as the
// cube of the ratio r, the vocabulary's matrices as r itself:
//   params = vocabulary r + layers r^3
std::int64_t heads_for(const ModelSpec& body, double params) {
  constexpr int kIterations = 30;
  const double layers = of_layers(body);
  const double vocabulary = total(body) - layers;
  double ratio = std::cbrt(params / total(body));
  for (int i = 0; i < kIterations; ++i) {
    ratio = std::cbrt(std::max(params - vocabulary * ratio, params / 10) / layers);
  }
  const std::int64_t own = main_heads(body);
  if (std::abs(ratio - 1) < 0.02) return own;
  return multiple_of(static_cast<double>(own) * ratio, kHeadStep);
}

}  // namespace

ModelSpec dense_model_of(const ModelSpec& own, double params, double shape_params) {
  const ModelSpec body = dense_twin(own, TwinKind::kActive);
  ModelSpec model = widened(body, heads_for(body, shape_params));
  set_depth(model, shape_params);
  trim(model, params);
  return model;
}

ModelSpec dense_model_of(const ModelSpec& own, double params) {
  return dense_model_of(own, params, params);
}

double least_dense_params(const ModelSpec& own) {
  ModelSpec model =
      widened(dense_twin(own, TwinKind::kActive), std::min(kHeadStep, main_heads(own)));
  model.layers.resize(1);
  return total(model);
}

}  // namespace moesim
