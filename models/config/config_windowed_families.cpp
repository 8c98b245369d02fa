// Families whose windowed layers have other heads than the full ones: Gemma 4, Step-3.
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

// layer_types, of which entries behind the last layer belong to MTP layers. True = windowed.
std::vector<bool> read_windowed_layers(const FamilyInput& in) {
  std::vector<bool> windowed;
  const auto list = in.fields.find({"layer_types"});
  if (list && list->is_list()) {
    for (const Value& item : list->items()) {
      const auto type = item.choice({"full_attention", "sliding_attention"});
      windowed.push_back(type && *type == 1);
    }
  }
  if (static_cast<std::int64_t>(windowed.size()) < in.num_layers) {
    in.fields.fault({"layer_types"},
                    "full_attention or sliding_attention for every layer expected");
  }
  windowed.resize(static_cast<std::size_t>(in.num_layers));
  return windowed;
}

std::vector<AttentionSpec> mixed(const std::vector<bool>& windowed, const AttentionSpec& local,
                                 const AttentionSpec& full) {
  std::vector<AttentionSpec> blocks;
  for (const bool here : windowed) blocks.push_back(here ? local : full);
  return blocks;
}

// Full layers have heads of global_head_dim, few KV heads, and one matrix for keys and values.
AttentionSpec gemma4_full(const FamilyInput& in, const AttentionSpec& local) {
  AttentionSpec full = local;
  full.window = 0;
  full.head_dim = in.fields.count_or({"global_head_dim"}, local.head_dim, kMaxHeadDim);
  full.v_head_dim = full.head_dim;
  full.shared_kv = in.fields.flag_or({"attention_k_eq_v"}, false);
  if (full.shared_kv) {
    full.num_kv_heads =
        in.fields.count_or({"num_global_key_value_heads"}, local.num_kv_heads, kMaxHeads);
  }
  if (full.num_heads % full.num_kv_heads != 0) {
    in.fields.fault({"num_global_key_value_heads"}, "a divisor of num_attention_heads expected");
  }
  set_grouped_params(full, in.hidden, {.qk_norm = QkNorm::kPerHead});
  return full;
}

// Experts stand beside the dense block, with three norms and the scales of the router.
void add_gemma4_experts(const FamilyInput& in, ModelSpec& model) {
  MoeSpec moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  moe.router = softmax_router(in.fields, true);
  check_moe(in.fields, moe);
  for (LayerSpec& layer : model.layers) {
    layer.moe = moe;
    layer.norm_params += 3 * in.hidden + in.hidden + moe.num_experts;
    layer.num_norms += 3;
  }
}

// Source: transformers, models/gemma4/modeling_gemma4.py.
void read_gemma4(const FamilyInput& in, ModelSpec& model) {
  if (in.fields.integer_or({"hidden_size_per_layer_input"}, 0, 0, kMaxWidth) > 0) {
    in.fields.fault({"hidden_size_per_layer_input"},
                    "0 expected: embeddings of every layer (E2B, E4B) cannot be represented");
  }
  if (in.fields.integer_or({"num_kv_shared_layers"}, 0, 0, kMaxLayers) > 0) {
    in.fields.fault({"num_kv_shared_layers"}, "0 expected: shared caches cannot be represented");
  }
  AttentionSpec local = read_grouped_attention(in.fields, in.hidden, {.qk_norm = QkNorm::kPerHead});
  if (in.fields.faulty()) return;
  local.window = in.fields.required({"sliding_window"}, kMaxPositions);
  StackParts parts;
  parts.attention = mixed(read_windowed_layers(in), local, gemma4_full(in, local));
  parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
  parts.norm_params = 4 * in.hidden + 1;
  parts.num_norms = 4;
  model.layers = stack_layers(parts);
  if (!in.fields.flag_or({"enable_moe_block"}, false)) return;
  add_gemma4_experts(in, model);
  model.not_modelled.emplace_back("the scale per expert of the router (weights only, no work)");
}

// Windowed layers have their own heads in attention_other_setting.
AttentionSpec step_local(const FamilyInput& in, const AttentionSpec& full,
                         const GroupedStyle& style) {
  AttentionSpec local = full;
  local.window = in.fields.required({"sliding_window"}, kMaxPositions);
  if (const auto other = in.fields.nested("attention_other_setting")) {
    local.num_heads = other->count_or({"num_attention_heads"}, full.num_heads, kMaxHeads);
    local.num_kv_heads = other->count_or({"num_attention_groups", "num_key_value_heads"},
                                         full.num_kv_heads, kMaxHeads);
    local.head_dim = other->count_or({"head_dim"}, full.head_dim, kMaxHeadDim);
    local.v_head_dim = local.head_dim;
    if (local.num_heads % local.num_kv_heads != 0) {
      other->fault({"num_attention_groups"}, "a divisor of num_attention_heads expected");
    }
  }
  set_grouped_params(local, in.hidden, style);
  return local;
}

// moe_layers_enum "3,4,...", else first_k_dense_replace.
LayerPattern read_step_experts(const FamilyInput& in) {
  const std::string text = in.fields.text_or({"moe_layers_enum"}, "");
  if (text.empty()) return read_deepseek_pattern(in.fields, in.num_layers);
  LayerPattern pattern(static_cast<std::size_t>(in.num_layers), false);
  std::int64_t number = 0;
  for (const char c : text + ",") {
    if (c >= '0' && c <= '9' && number < kMaxLayers) {
      number = 10 * number + (c - '0');
    } else if (c == ',') {
      if (number < in.num_layers) pattern[static_cast<std::size_t>(number)] = true;
      number = 0;
    } else if (c != ' ') {
      in.fields.fault({"moe_layers_enum"}, "numbers of layers with commas between them expected");
      return pattern;
    }
  }
  return pattern;
}

void read_step(const FamilyInput& in, ModelSpec& model) {
  const GroupedStyle style = {.qk_norm = QkNorm::kPerHead,
                              .head_gate = in.fields.flag_or({"use_head_wise_attn_gate"}, false)};
  AttentionSpec full = read_grouped_attention(in.fields, in.hidden, style);
  if (in.fields.faulty()) return;
  StackParts parts;
  parts.attention = mixed(read_windowed_layers(in), step_local(in, full, style), full);
  parts.sparse = read_step_experts(in);
  parts.moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  parts.moe.shared_width = in.fields.integer_or({"share_expert_dim"}, 0, 0, kMaxWidth);
  parts.moe.router.score = ScoreFunction::kSigmoid;
  parts.moe.router.correction_bias = in.fields.flag_or({"use_moe_router_bias"}, true);
  parts.moe.router.renormalise = in.fields.flag_or({"norm_expert_weight"}, true);
  parts.moe.router.scaling =
      in.fields.positive_or({"moe_router_scaling_factor", "routed_scaling_factor"}, 1.0);
  parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
  if (!in.fields.has({"attention_other_setting"})) {
    model.not_modelled.emplace_back(
        "attention_other_setting is absent: windowed layers have the heads of the full ones, where "
        "the published Step-3.7 has 96 and a gate per head (10 % of the active parameters)");
  }
}

}  // namespace

std::vector<Family> windowed_families() {
  return {
      {"Gemma4ForCausalLM", read_gemma4, true},
      {"Gemma4ForConditionalGeneration", read_gemma4, true},
      {"Step3p5ForCausalLM", read_step},
      {"Step3p7ForConditionalGeneration", read_step},
      {"Step3p7FlashForCausalLM", read_step},
  };
}

}  // namespace moesim
