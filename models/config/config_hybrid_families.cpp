// Mixture-of-experts models that mix linear layers (DeltaNet, lightning attention, Mamba) with full
// attention.
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

// The linear block where linear[i], else the full one.
std::vector<AttentionSpec> mixed_attention(const AttentionSpec& full, const AttentionSpec& linear,
                                           const std::vector<bool>& is_linear) {
  std::vector<AttentionSpec> blocks;
  for (const bool here : is_linear) blocks.push_back(here ? linear : full);
  return blocks;
}

// layer_types, or all but every full_attention_interval-th layer.
std::vector<bool> qwen_linear_layers(const FamilyInput& in) {
  const auto types = in.fields.text_per_layer({"layer_types"}, in.num_layers,
                                              {"linear_attention", "full_attention"});
  const std::int64_t step = in.fields.count_or({"full_attention_interval"}, 4, kMaxLayers);
  std::vector<bool> linear;
  for (std::int64_t i = 0; i < in.num_layers; ++i) {
    linear.push_back(types.empty() ? (i + 1) % step != 0
                                   : types[static_cast<std::size_t>(i)] == "linear_attention");
  }
  return linear;
}

void read_qwen3_next(const FamilyInput& in, ModelSpec& model) {
  const AttentionSpec full = read_grouped_attention(
      in.fields, in.hidden, {.qk_norm = QkNorm::kPerHead, .output_gate = true});
  StackParts parts;
  parts.attention =
      mixed_attention(full, read_gated_delta_net(in.fields, in.hidden), qwen_linear_layers(in));
  parts.moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  parts.moe.shared_width = in.fields.required({"shared_expert_intermediate_size"}, kMaxWidth);
  parts.moe.shared_gate = true;
  parts.moe.router = softmax_router(in.fields, true);
  parts.sparse = read_qwen_pattern(in.fields, in.num_layers);
  for (const bool sparse : parts.sparse) {
    if (sparse) continue;
    parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
    break;
  }
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
}

// The dense models of the family have one feed-forward block in every layer and no router.
void read_qwen3_5(const FamilyInput& in, ModelSpec& model) {
  const AttentionSpec full = read_grouped_attention(
      in.fields, in.hidden, {.qk_norm = QkNorm::kPerHead, .output_gate = true});
  StackParts parts;
  parts.attention =
      mixed_attention(full, read_gated_delta_net(in.fields, in.hidden), qwen_linear_layers(in));
  parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
  parts.norm_params = 2 * in.hidden;
  model.layers = stack_layers(parts);
}

// full_attn_layers and kda_layers count from 1; a layer in neither has KDA.
std::vector<bool> kimi_linear_layers(const FamilyInput& in, const ConfigFields& linear) {
  std::vector<bool> is_linear(static_cast<std::size_t>(in.num_layers), true);
  const auto full = linear.find({"full_attn_layers"});
  if (!full || !full->is_list()) {
    linear.fault({"full_attn_layers"}, "a list of layers, counted from 1, expected");
    return is_linear;
  }
  for (const Value& item : full->items()) {
    const auto layer = item.integer(1, in.num_layers);
    if (layer) is_linear[static_cast<std::size_t>(*layer - 1)] = false;
  }
  return is_linear;
}

// Kimi-Linear and Kimi-K3: KDA and MLA, the latter's experts in a latent.
// Source: SGLang, srt/models/kimi_k3.py.
void read_kimi_linear(const FamilyInput& in, ModelSpec& model) {
  const auto linear = in.fields.nested("linear_attn_config");
  if (!linear) return in.fields.fault({"linear_attn_config"}, "a map expected");
  StackParts parts;
  parts.attention =
      mixed_attention(read_latent_attention(in.fields, in.hidden),
                      read_kimi_delta(*linear, in.hidden), kimi_linear_layers(in, *linear));
  parts.sparse = read_deepseek_pattern(in.fields, in.num_layers);
  parts.moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  parts.moe.shared_width =
      in.fields.integer_or({"num_shared_experts", "n_shared_experts"}, 0, 0, kMaxExperts) *
      parts.moe.expert_width;
  parts.moe.expert_input = in.fields.count_or({"routed_expert_hidden_size"}, in.hidden, kMaxWidth);
  parts.moe.latent_norm = in.fields.flag_or({"latent_moe_use_norm"}, false);
  parts.moe.router = read_deepseek_router(in.fields, "sigmoid", "noaux_tc");
  parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
  // Attention over the residual streams of blocks of layers: two sites a layer read all streams so
  // far and write one, with a norm and a vector each.
  const std::int64_t block = in.fields.count_or({"attn_res_block_size"}, 0, kMaxLayers);
  if (block == 0) return;
  model.final_norm_params += 2 * in.hidden;
  model.not_modelled.emplace_back(
      "attn_res_block_size: earlier streams in the peak of activations (up to 9 hidden sizes a "
      "token); their traffic is counted");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::int64_t streams = (static_cast<std::int64_t>(i) + block - 1) / block;
    model.layers[i].norm_params += 4 * in.hidden;
    model.layers[i].residual_passes = 2 * (streams + 2);
  }
}

// attn_type_list: 1 = softmax attention, 0 = lightning attention.
void read_minimax_m1(const FamilyInput& in, ModelSpec& model) {
  const auto types = in.fields.per_layer({"attn_type_list"}, in.num_layers, 0, 1);
  const AttentionSpec full = read_grouped_attention(in.fields, in.hidden, {});
  std::vector<bool> linear;
  for (const std::int64_t type : types) linear.push_back(type == 0);
  StackParts parts;
  parts.attention = mixed_attention(full, lightning_attention(full, in.hidden), linear);
  parts.sparse = every_layer(in.num_layers);
  parts.moe = read_experts(in.fields, in.hidden, {"intermediate_size"});
  parts.moe.shared_width = in.fields.integer_or({"shared_intermediate_size"}, 0, 0, kMaxWidth);
  parts.moe.router = topk_softmax_router();
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
}

void read_jamba(const FamilyInput& in, ModelSpec& model) {
  const std::int64_t period = in.fields.count_or({"attn_layer_period"}, 8, kMaxLayers);
  const std::int64_t offset = in.fields.integer_or({"attn_layer_offset"}, 4, 0, period - 1);
  std::vector<bool> linear;
  for (std::int64_t i = 0; i < in.num_layers; ++i) linear.push_back(i % period != offset);
  StackParts parts;
  parts.attention = mixed_attention(read_grouped_attention(in.fields, in.hidden, {}),
                                    read_mamba(in.fields, in.hidden), linear);
  parts.sparse = read_jamba_pattern(in.fields, in.num_layers);
  parts.moe = read_experts(in.fields, in.hidden, {"intermediate_size"});
  parts.dense_width = parts.moe.expert_width;
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
}

}  // namespace

std::vector<Family> hybrid_families() {
  return {
      {"Qwen3NextForCausalLM", read_qwen3_next},
      {"Qwen3_5MoeForCausalLM", read_qwen3_next},
      {"Qwen3_5MoeForConditionalGeneration", read_qwen3_next},
      {"Qwen3_5ForCausalLM", read_qwen3_5},
      {"Qwen3_5ForConditionalGeneration", read_qwen3_5},
      {"KimiLinearForCausalLM", read_kimi_linear},
      {"KimiK3ForConditionalGeneration", read_kimi_linear},
      {"MiniMaxM1ForCausalLM", read_minimax_m1},
      {"MiniMaxText01ForCausalLM", read_minimax_m1},
      {"JambaForCausalLM", read_jamba},
  };
}

}  // namespace moesim
