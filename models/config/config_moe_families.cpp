// Mixture-of-experts transformers with grouped attention in every layer.
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

using IsLocal = std::function<bool(std::int64_t)>;

bool nowhere(std::int64_t) {
  return false;
}
bool everywhere(std::int64_t) {
  return true;
}

constexpr Names kPlainWidth = {"intermediate_size"};
constexpr Names kMoeWidth = {"moe_intermediate_size"};

// Parts that most families share: one attention block repeated, the experts, two norms.
StackParts read_parts(const FamilyInput& in, const GroupedStyle& style, Names expert_width,
                      const IsLocal& is_local = nowhere) {
  StackParts parts;
  parts.attention = repeat_attention(read_grouped_attention(in.fields, in.hidden, style),
                                     read_windows(in.fields, in.num_layers, is_local));
  parts.sparse = every_layer(in.num_layers);
  parts.moe = read_experts(in.fields, in.hidden, expert_width);
  parts.norm_params = 2 * in.hidden;
  return parts;
}

// Reads the dense width only where a layer without experts needs it.
void read_dense_width(const FamilyInput& in, Names names, StackParts& parts) {
  for (const bool sparse : parts.sparse) {
    if (sparse) continue;
    parts.dense_width = in.fields.required(names, kMaxWidth);
    return;
  }
}

void finish(const FamilyInput& in, const StackParts& parts, ModelSpec& model) {
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
}

void read_mixtral(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {}, kPlainWidth, everywhere);
  parts.moe.router = topk_softmax_router();
  finish(in, parts, model);
}

void read_granite(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"attention_bias"}, false);
  StackParts parts = read_parts(in, {.qkv_bias = bias, .output_bias = bias}, kPlainWidth);
  parts.moe.router = topk_softmax_router();
  finish(in, parts, model);
}

void read_qwen2_moe(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {.qkv_bias = in.fields.flag_or({"qkv_bias"}, true)}, kMoeWidth);
  parts.moe.shared_width = in.fields.required({"shared_expert_intermediate_size"}, kMaxWidth);
  parts.moe.shared_gate = true;
  parts.moe.router = softmax_router(in.fields, false);
  parts.sparse = read_qwen_pattern(in.fields, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
}

void read_qwen3_moe(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"attention_bias"}, false);
  const GroupedStyle style = {.qkv_bias = bias, .output_bias = bias, .qk_norm = QkNorm::kPerHead};
  StackParts parts = read_parts(in, style, kMoeWidth);
  parts.moe.router = softmax_router(in.fields, false);
  parts.sparse = read_qwen_pattern(in.fields, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
}

void read_gpt_oss(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"attention_bias"}, true);
  const GroupedStyle style = {.qkv_bias = bias, .output_bias = bias, .sinks = true};
  StackParts parts = read_parts(in, style, kPlainWidth, [](std::int64_t i) { return i % 2 == 0; });
  parts.moe.router = topk_softmax_router();
  parts.moe.router.gate_bias = true;
  parts.moe.expert_bias = true;
  finish(in, parts, model);
}

void read_deepseek_moe(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {}, kMoeWidth);
  parts.moe.shared_width =
      in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) * parts.moe.expert_width;
  parts.moe.router = read_deepseek_router(in.fields, "softmax", "greedy");
  parts.sparse = read_deepseek_pattern(in.fields, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
}

void read_glm4_moe(const FamilyInput& in, ModelSpec& model) {
  const GroupedStyle style = {
      .qkv_bias = in.fields.flag_or({"attention_bias"}, false),
      .qk_norm = in.fields.flag_or({"use_qk_norm"}, false) ? QkNorm::kPerHead : QkNorm::kNone};
  StackParts parts = read_parts(in, style, kMoeWidth);
  parts.moe.shared_width =
      in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) * parts.moe.expert_width;
  parts.moe.router = read_deepseek_router(in.fields, "sigmoid", "noaux_tc");
  parts.sparse = read_deepseek_pattern(in.fields, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
}

void read_minimax_m2(const FamilyInput& in, ModelSpec& model) {
  const bool qk_norm = in.fields.flag_or({"use_qk_norm"}, true);
  StackParts parts =
      read_parts(in, {.qk_norm = qk_norm ? QkNorm::kPerLayer : QkNorm::kNone}, kPlainWidth);
  parts.moe.shared_width = in.fields.integer_or({"shared_intermediate_size"}, 0, 0, kMaxWidth);
  parts.moe.router = read_deepseek_router(in.fields, "sigmoid", "greedy");
  parts.moe.router.renormalise = true;
  parts.moe.router.correction_bias = in.fields.flag_or({"use_routing_bias"}, true);
  finish(in, parts, model);
}

// Every 4th layer sees the whole context (no_rope_layers: 0 there), the others a chunk.
IsLocal llama4_locality(const FamilyInput& in) {
  const auto rope = in.fields.find({"no_rope_layers"});
  if (rope && rope->is_list() && rope->node().size() > 0) {
    return [flags = in.fields.per_layer({"no_rope_layers"}, in.num_layers, 0, 1)](std::int64_t i) {
      return flags[static_cast<std::size_t>(i)] == 1;
    };
  }
  const std::int64_t step = in.fields.count_or({"no_rope_layer_interval"}, 4, kMaxLayers);
  return [step](std::int64_t i) { return (i + 1) % step != 0; };
}

// Top-1 on the logits; the sigmoid of the chosen logit scales the input of the expert.
void read_llama4(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {}, kPlainWidth, llama4_locality(in));
  parts.moe.shared_width = parts.moe.expert_width;
  parts.moe.router.score = ScoreFunction::kSigmoid;
  parts.moe.router.order = SelectionOrder::kTopKThenScore;
  parts.moe.router.weigh_input = true;
  parts.sparse = read_step_pattern(in.fields, {"interleave_moe_layer_step"}, in.num_layers);
  read_dense_width(in, {"intermediate_size_mlp"}, parts);
  finish(in, parts, model);
}

// DBRX keeps its attention and expert fields in two nested maps.
void read_dbrx(const FamilyInput& in, ModelSpec& model) {
  const auto attention_fields = in.fields.nested("attn_config");
  const auto expert_fields = in.fields.nested("ffn_config");
  if (!attention_fields || !expert_fields) {
    in.fields.fault({attention_fields ? "ffn_config" : "attn_config"}, "a map expected");
    return;
  }
  AttentionSpec attention = read_grouped_attention(in.fields, in.hidden, {});
  attention.num_kv_heads =
      attention_fields->count_or({"kv_n_heads"}, attention.num_heads, kMaxHeads);
  if (attention.num_heads % attention.num_kv_heads != 0) {
    attention_fields->fault({"kv_n_heads"}, "a divisor of n_heads expected");
  }
  set_grouped_params(attention, in.hidden, {});
  StackParts parts;
  parts.attention.assign(static_cast<std::size_t>(in.num_layers), attention);
  parts.sparse = every_layer(in.num_layers);
  parts.moe = read_experts(*expert_fields, in.hidden, {"ffn_hidden_size"});
  parts.moe.router.renormalise = expert_fields->has({"moe_normalize_expert_weights"});
  if (expert_fields->number_or({"moe_normalize_expert_weights"}, 1, 0, 1e6) != 1) {
    expert_fields->fault({"moe_normalize_expert_weights"}, "1 or null expected");
  }
  parts.moe.router.jitter = expert_fields->number_or({"moe_jitter_eps"}, 0, 0, 0.5);
  parts.norm_params = 2 * in.hidden;
  check_moe(*expert_fields, parts.moe);
  model.layers = stack_layers(parts);
}

void read_grok1(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {}, kPlainWidth);
  parts.norm_params = 4 * in.hidden;  // Before and after both blocks.
  parts.num_norms = 4;
  finish(in, parts, model);
}

// A dense block of the model's own width stands beside the experts when parallel_attn_mlp_res is
// set.
void read_arctic(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {}, kPlainWidth);
  parts.moe.router.renormalise = true;
  parts.sparse = read_step_pattern(in.fields, {"moe_layer_frequency"}, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
  if (!in.fields.flag_or({"parallel_attn_mlp_res"}, false)) return;
  for (LayerSpec& layer : model.layers) {
    if (!layer.moe) continue;
    layer.dense_width = in.hidden;
    layer.norm_params = 3 * in.hidden;
    layer.num_norms = 3;
  }
}

void read_olmoe(const FamilyInput& in, ModelSpec& model) {
  StackParts parts = read_parts(in, {.qk_norm = QkNorm::kPerLayer}, kPlainWidth);
  parts.moe.router = softmax_router(in.fields, false);
  finish(in, parts, model);
}

void read_phi_moe(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"attention_bias"}, false);
  StackParts parts = read_parts(in, {.qkv_bias = bias, .output_bias = bias}, kPlainWidth);
  parts.norm_params = 4 * in.hidden;  // Layer norms with bias.
  parts.moe.router.rule = SelectionRule::kSparseMixer;
  parts.moe.router.mixer_jitter = in.fields.number_or({"router_jitter_noise"}, 0.01, 0, 0.5);
  finish(in, parts, model);
  const bool head_bias = in.fields.flag_or({"lm_head_bias"}, false);
  model.final_norm_params = 2 * in.hidden + (head_bias ? model.vocab_size : 0);
}

// Hunyuan gives top-k, expert width and shared experts per layer.
void read_hunyuan(const FamilyInput& in, ModelSpec& model) {
  const std::int64_t layers = in.num_layers;
  GroupedStyle style;
  if (in.fields.flag_or({"use_qk_norm"}, false)) style.qk_norm = QkNorm::kPerHead;
  StackParts parts;
  parts.attention.assign(static_cast<std::size_t>(layers),
                         read_grouped_attention(in.fields, in.hidden, style));
  parts.norm_params = 2 * in.hidden;
  parts.moe.num_experts = in.fields.required({"num_experts"}, kMaxExperts);
  parts.moe.expert_input = in.hidden;
  parts.moe.router = softmax_router(in.fields, true);
  const std::int64_t skipped = in.fields.integer_or({"moe_layer_num_skipped"}, 0, 0, layers);
  parts.sparse = every_layer(layers);
  for (std::int64_t i = 0; i < skipped; ++i) parts.sparse[static_cast<std::size_t>(i)] = false;
  read_dense_width(in, kPlainWidth, parts);
  model.layers = stack_layers(parts);

  const auto top_k = in.fields.per_layer({"moe_topk"}, layers, 1, kMaxExperts);
  const auto width =
      in.fields.per_layer({"moe_intermediate_size", "intermediate_size"}, layers, 1, kMaxWidth);
  const auto shared = in.fields.per_layer({"num_shared_expert"}, layers, 0, kMaxExperts);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (!model.layers[i].moe) continue;
    MoeSpec& moe = *model.layers[i].moe;
    moe.top_k = top_k[i];
    moe.expert_width = width[i];
    moe.shared_width = shared[i] * width[i];
    if (moe.top_k <= moe.num_experts) continue;
    return check_moe(in.fields, moe);
  }
}

void read_ernie(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"use_bias"}, false);
  StackParts parts = read_parts(in, {.qkv_bias = bias, .output_bias = bias}, kMoeWidth);
  parts.moe.shared_width =
      in.fields.integer_or({"moe_num_shared_experts"}, 0, 0, kMaxExperts) * parts.moe.expert_width;
  parts.moe.router.renormalise = true;
  parts.moe.router.renormalise_floor = in.fields.number_or({"moe_norm_min"}, 1e-12, 0, 1);
  parts.moe.router.correction_bias = in.fields.flag_or({"moe_use_aux_free"}, true);
  parts.sparse = read_ernie_pattern(in.fields, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
}

// Windowed layers (1 in hybrid_layer_pattern) have their own heads, and sinks.
AttentionSpec mimo_local_attention(const FamilyInput& in, const std::vector<AttentionSpec>& all) {
  const AttentionSpec full = all.empty() ? AttentionSpec{} : all.front();
  AttentionSpec local = full;
  local.window = in.fields.required({"sliding_window", "sliding_window_size"}, kMaxPositions);
  local.num_heads = in.fields.count_or({"swa_num_attention_heads"}, full.num_heads, kMaxHeads);
  local.num_kv_heads =
      in.fields.count_or({"swa_num_key_value_heads"}, full.num_kv_heads, kMaxHeads);
  local.head_dim = in.fields.count_or({"swa_head_dim"}, full.head_dim, kMaxHeadDim);
  local.v_head_dim = in.fields.count_or({"swa_v_head_dim"}, full.v_head_dim, kMaxHeadDim);
  if (local.num_kv_heads > 0 && local.num_heads % local.num_kv_heads != 0) {
    in.fields.fault({"swa_num_key_value_heads"}, "a divisor of the attention heads expected");
  }
  const bool sinks = in.fields.flag_or({"add_swa_attention_sink_bias"}, false);
  set_grouped_params(local, in.hidden, {.sinks = sinks});
  return local;
}

void read_mimo_v2(const FamilyInput& in, ModelSpec& model) {
  const bool sinks = in.fields.flag_or({"add_full_attention_sink_bias"}, false);
  const auto local = in.fields.per_layer({"hybrid_layer_pattern"}, in.num_layers, 0, 1);
  StackParts parts = read_parts(in, {.sinks = sinks}, kMoeWidth);
  const AttentionSpec windowed = mimo_local_attention(in, parts.attention);
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (local[i] == 1) parts.attention[i] = windowed;
  }
  parts.moe.shared_width =
      in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) * parts.moe.expert_width;
  parts.moe.router = read_deepseek_router(in.fields, "sigmoid", "noaux_tc");
  parts.sparse = read_deepseek_pattern(in.fields, in.num_layers);
  read_dense_width(in, kPlainWidth, parts);
  finish(in, parts, model);
}

}  // namespace

std::vector<Family> moe_families() {
  return {
      {"MixtralForCausalLM", read_mixtral},
      {"GraniteMoeForCausalLM", read_granite},
      {"Qwen2MoeForCausalLM", read_qwen2_moe},
      {"Qwen3MoeForCausalLM", read_qwen3_moe},
      {"Qwen3VLMoeForConditionalGeneration", read_qwen3_moe},
      {"GptOssForCausalLM", read_gpt_oss},
      {"DeepseekForCausalLM", read_deepseek_moe},
      {"Glm4MoeForCausalLM", read_glm4_moe},
      {"MiniMaxM2ForCausalLM", read_minimax_m2},
      {"Llama4ForCausalLM", read_llama4},
      {"Llama4ForConditionalGeneration", read_llama4},
      {"DbrxForCausalLM", read_dbrx},
      {"Grok1ForCausalLM", read_grok1, true},
      {"Grok1ModelForCausalLM", read_grok1, true},
      {"ArcticForCausalLM", read_arctic},
      {"OlmoeForCausalLM", read_olmoe},
      {"PhiMoEForCausalLM", read_phi_moe},
      {"PhimoeForCausalLM", read_phi_moe},
      {"HunYuanMoEV1ForCausalLM", read_hunyuan},
      {"Ernie4_5_MoeForCausalLM", read_ernie, true},
      {"MiMoV2FlashForCausalLM", read_mimo_v2},
  };
}

}  // namespace moesim
