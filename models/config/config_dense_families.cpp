// Dense transformers: Llama and its relatives, GPT-2, BLOOM, Gemma 3.
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

bool nowhere(std::int64_t) {
  return false;
}
bool everywhere(std::int64_t) {
  return true;
}

StackParts dense_parts(const FamilyInput& in, const GroupedStyle& style,
                       const std::vector<std::int64_t>& windows) {
  StackParts parts;
  parts.attention = repeat_attention(read_grouped_attention(in.fields, in.hidden, style), windows);
  parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
  parts.norm_params = 2 * in.hidden;
  return parts;
}

void read_llama(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"attention_bias"}, false);
  const GroupedStyle style = {.qkv_bias = bias, .output_bias = bias};
  model.layers =
      stack_layers(dense_parts(in, style, read_windows(in.fields, in.num_layers, nowhere)));
}

void read_mistral(const FamilyInput& in, ModelSpec& model) {
  model.layers =
      stack_layers(dense_parts(in, {}, read_windows(in.fields, in.num_layers, everywhere)));
}

// Qwen uses its window only from layer max_window_layers on, and only with use_sliding_window.
std::vector<std::int64_t> qwen_windows(const FamilyInput& in) {
  const bool used = in.fields.flag_or({"use_sliding_window"}, false);
  const std::int64_t first =
      in.fields.integer_or({"max_window_layers"}, in.num_layers, 0, kMaxLayers);
  return read_windows(in.fields, in.num_layers, [=](std::int64_t i) { return used && i >= first; });
}

void read_qwen2(const FamilyInput& in, ModelSpec& model) {
  model.layers = stack_layers(dense_parts(in, {.qkv_bias = true}, qwen_windows(in)));
}

void read_qwen3(const FamilyInput& in, ModelSpec& model) {
  const bool bias = in.fields.flag_or({"attention_bias"}, false);
  const GroupedStyle style = {.qkv_bias = bias, .output_bias = bias, .qk_norm = QkNorm::kPerHead};
  model.layers = stack_layers(dense_parts(in, style, qwen_windows(in)));
}

// Layer norms with bias, biases everywhere, two plain matrices in the feed-forward block.
void read_gpt_like(const FamilyInput& in, ModelSpec& model, std::int64_t width) {
  AttentionSpec attention =
      read_grouped_attention(in.fields, in.hidden, {.qkv_bias = true, .output_bias = true});
  StackParts parts;
  parts.attention.assign(static_cast<std::size_t>(in.num_layers), attention);
  parts.dense_width = width;
  parts.norm_params = 4 * in.hidden;
  model.layers = stack_layers(parts);
  for (LayerSpec& layer : model.layers) {
    layer.dense_matrices = 2;
    layer.dense_bias = true;
  }
  model.final_norm_params = 2 * in.hidden;
}

void read_gpt2(const FamilyInput& in, ModelSpec& model) {
  read_gpt_like(in, model, in.fields.count_or({"n_inner"}, 4 * in.hidden, kMaxWidth));
  model.position_params =
      in.hidden *
      in.fields.required({"n_positions", "n_ctx", "max_position_embeddings"}, kMaxWidth);
}

void read_bloom(const FamilyInput& in, ModelSpec& model) {
  read_gpt_like(in, model, 4 * in.hidden);
  model.final_norm_params += 2 * in.hidden;  // BLOOM also normalises the embeddings.
}

// Four norms per layer; five local layers, then a global one.
void read_gemma3(const FamilyInput& in, ModelSpec& model) {
  const std::int64_t period = in.fields.count_or({"sliding_window_pattern"}, 6, kMaxLayers);
  const auto windows =
      read_windows(in.fields, in.num_layers, [=](std::int64_t i) { return (i + 1) % period != 0; });
  StackParts parts = dense_parts(in, {.qk_norm = QkNorm::kPerHead}, windows);
  parts.norm_params = 4 * in.hidden;
  parts.num_norms = 4;
  model.layers = stack_layers(parts);
}

}  // namespace

std::vector<Family> dense_families() {
  return {
      {"LlamaForCausalLM", read_llama},
      {"MistralForCausalLM", read_mistral},
      {"Qwen2ForCausalLM", read_qwen2},
      {"Qwen3ForCausalLM", read_qwen3},
      {"GPT2LMHeadModel", read_gpt2, true},
      {"BloomForCausalLM", read_bloom, true},
      {"Gemma3ForCausalLM", read_gemma3, true},
      {"Gemma3ForConditionalGeneration", read_gemma3, true},
  };
}

}  // namespace moesim
