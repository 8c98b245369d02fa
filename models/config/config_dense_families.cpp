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

constexpr double kMostFfnMult = 1000;

// Attention of one block of a searched Llama: none, or query heads in groups of n_heads_in_group.
AttentionSpec read_block_attention(const FamilyInput& in, const ConfigFields& block) {
  AttentionSpec a;
  a.kind = AttentionKind::kNone;
  for (const char* name : {"replace_with_linear", "unshifted_sink"}) {
    if (block.flag_or({name}, false))
      block.fault({name}, "false expected: it cannot be represented");
  }
  if (block.has({"sparsify"})) block.fault({"sparsify"}, "null expected: it cannot be represented");
  if (block.has({"num_sink_tokens"})) block.fault({"num_sink_tokens"}, "null expected");
  if (block.flag_or({"no_op"}, false)) return a;
  a.kind = AttentionKind::kGrouped;
  a.num_heads = in.fields.required({"num_attention_heads"}, kMaxHeads);
  const std::int64_t group = block.required({"n_heads_in_group"}, kMaxHeads);
  if (group == 0 || a.num_heads == 0 || a.num_heads % group != 0) {
    block.fault({"n_heads_in_group"}, "a divisor of num_attention_heads expected");
    return a;
  }
  a.num_kv_heads = a.num_heads / group;
  a.head_dim = in.hidden / a.num_heads;
  a.v_head_dim = a.head_dim;
  a.window = block.count_or({"window_length"}, 0, kMaxPositions);
  set_grouped_params(a, in.hidden, {});
  return a;
}

// width = 2 m H / 3, rounded up to 256.
std::int64_t read_block_width(const FamilyInput& in, const ConfigFields& block) {
  if (block.flag_or({"replace_with_linear"}, false)) {
    block.fault({"replace_with_linear"}, "false expected: it cannot be represented");
  }
  if (block.flag_or({"no_op"}, false)) return 0;
  const double mult = block.number_or({"ffn_mult"}, 0, 0, kMostFfnMult);
  if (!(mult > 0)) block.fault({"ffn_mult"}, "a number above 0 expected");
  const auto width = static_cast<std::int64_t>(2 * mult * static_cast<double>(in.hidden) / 3);
  return (width + 255) / 256 * 256;
}

// Blocks found by architecture search, each with its own heads and width.
// Source: nvidia/Llama-3_3-Nemotron-Super-49B-v1, modeling_decilm.py.
void read_decilm(const FamilyInput& in, ModelSpec& model) {
  const auto blocks = in.fields.find({"block_configs"});
  const auto count = blocks && blocks->is_list() ? blocks->items().size() : 0;
  if (static_cast<std::int64_t>(count) != in.num_layers) {
    in.fields.fault({"block_configs"}, "a list with one map per layer expected");
    return;
  }
  for (const Value& item : blocks->items()) {
    const ConfigFields block(item);
    const auto attention = item.is_map() ? block.nested("attention") : std::nullopt;
    const auto ffn = item.is_map() ? block.nested("ffn") : std::nullopt;
    if (!attention || !ffn) return item.fault("a map with attention and ffn expected");
    LayerSpec layer;
    layer.attention = read_block_attention(in, *attention);
    layer.dense_width = read_block_width(in, *ffn);
    layer.num_norms =
        (layer.attention.kind != AttentionKind::kNone ? 1 : 0) + (layer.dense_width > 0 ? 1 : 0);
    layer.norm_params = layer.num_norms * in.hidden;
    model.layers.push_back(layer);
  }
}

}  // namespace

std::vector<Family> dense_families() {
  return {
      {"LlamaForCausalLM", read_llama},
      {"MistralForCausalLM", read_mistral},
      {"Qwen2ForCausalLM", read_qwen2},
      {"Qwen3ForCausalLM", read_qwen3},
      {"Qwen3VLForConditionalGeneration", read_qwen3},
      {"MiMoForCausalLM", read_qwen2},
      {"DeciLMForCausalLM", read_decilm},
      {"GPT2LMHeadModel", read_gpt2, true},
      {"BloomForCausalLM", read_bloom, true},
      {"Gemma3ForCausalLM", read_gemma3, true},
      {"Gemma3ForConditionalGeneration", read_gemma3, true},
  };
}

}  // namespace moesim
