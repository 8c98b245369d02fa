// Nemotron-H: every letter of the pattern is one block with one norm.
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

// hybrid_override_pattern ("MEM*-") or layers_block_type, as letters.
std::string read_pattern(const ConfigFields& fields) {
  const auto letters = fields.find({"hybrid_override_pattern"});
  const auto words = fields.find({"layers_block_type"});
  std::string pattern;
  if (letters) {
    pattern = letters->text().value_or("");
    if (pattern.find_first_not_of("ME*-") != std::string::npos) {
      fields.fault({"hybrid_override_pattern"}, "letters M, E, * and - expected");
      return "";
    }
  } else if (words && words->is_list()) {
    const std::vector<std::string> known = {"mamba", "moe", "attention", "mlp"};
    for (const Value& item : words->items()) {
      const auto index = item.choice(known);
      if (!index) return "";
      pattern += "ME*-"[*index];
    }
  } else {
    fields.fault({"hybrid_override_pattern"}, "a text of letters M, E, * and - expected");
  }
  return pattern;
}

MoeSpec read_block_experts(const FamilyInput& in) {
  MoeSpec moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  moe.ffn_matrices = 2;
  moe.shared_width = in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) *
                     in.fields.integer_or({"moe_shared_expert_intermediate_size"}, 0, 0, kMaxWidth);
  moe.expert_input = in.fields.count_or({"moe_latent_size"}, in.hidden, kMaxWidth);
  moe.router = read_deepseek_router(in.fields, "sigmoid", "noaux_tc");
  check_moe(in.fields, moe);
  return moe;
}

void refuse_biases(const ConfigFields& fields) {
  for (const char* name : {"use_bias", "mlp_bias", "attention_bias", "mamba_proj_bias"}) {
    if (fields.flag_or({name}, false))
      fields.fault({name}, "false expected: no model had it so far");
  }
}

// Source: transformers, modeling_nemotron_h.py.
void read_nemotron_h(const FamilyInput& in, ModelSpec& model) {
  refuse_biases(in.fields);
  const std::string pattern = read_pattern(in.fields);
  const auto has = [&](char letter) { return pattern.find(letter) != std::string::npos; };
  if (!pattern.empty() && static_cast<std::int64_t>(pattern.size()) != in.num_layers) {
    in.fields.fault({"num_hidden_layers"},
                    "the length of the pattern, " + std::to_string(pattern.size()) + ", expected");
    return;
  }
  LayerSpec none;
  none.attention.kind = AttentionKind::kNone;
  none.norm_params = in.hidden;
  none.num_norms = 1;
  LayerSpec mamba = none;
  LayerSpec full = none;
  LayerSpec mlp = none;
  LayerSpec moe = none;
  if (has('M')) mamba.attention = read_mamba2(in.fields, in.hidden);
  if (has('*')) full.attention = read_grouped_attention(in.fields, in.hidden, {});
  if (has('-')) mlp.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
  mlp.dense_matrices = 2;
  if (has('E')) moe.moe = read_block_experts(in);
  for (const char letter : pattern) {
    model.layers.push_back(letter == 'M'   ? mamba
                           : letter == '*' ? full
                           : letter == '-' ? mlp
                                           : moe);
  }
}

}  // namespace

std::vector<Family> block_families() {
  return {{"NemotronHForCausalLM", read_nemotron_h}};
}

}  // namespace moesim
