// Mixture-of-experts transformers with multi-head latent attention: DeepSeek and its relatives.
#include "models/config/config_attention.h"
#include "models/config/config_families.h"
#include "models/config/config_moe.h"

namespace moesim {
namespace {

void share_indexers(const FamilyInput& in, std::vector<AttentionSpec>& attention) {
  if (attention.empty() || attention.front().index_topk == 0) return;
  const std::vector<bool> own = read_indexer_layers(in.fields, in.num_layers);
  for (std::size_t i = 0; i < attention.size(); ++i) {
    if (!own[i]) attention[i] = without_indexer(attention[i], in.hidden);
  }
}

void read_deepseek(const FamilyInput& in, ModelSpec& model, const RouterSpec& router) {
  StackParts parts;
  parts.attention.assign(static_cast<std::size_t>(in.num_layers),
                         read_latent_attention(in.fields, in.hidden));
  share_indexers(in, parts.attention);
  parts.moe = read_experts(in.fields, in.hidden, {"moe_intermediate_size"});
  parts.moe.shared_width =
      in.fields.integer_or({"n_shared_experts"}, 0, 0, kMaxExperts) * parts.moe.expert_width;
  parts.moe.router = router;
  parts.sparse = read_deepseek_pattern(in.fields, in.num_layers);
  for (const bool sparse : parts.sparse) {
    if (sparse || parts.dense_width > 0) continue;
    parts.dense_width = in.fields.required({"intermediate_size"}, kMaxWidth);
    if (parts.dense_width == 0) break;
  }
  parts.norm_params = 2 * in.hidden;
  check_moe(in.fields, parts.moe);
  model.layers = stack_layers(parts);
}

void read_deepseek_v2(const FamilyInput& in, ModelSpec& model) {
  read_deepseek(in, model, read_deepseek_router(in.fields, "softmax", "greedy"));
}

void read_deepseek_v3(const FamilyInput& in, ModelSpec& model) {
  read_deepseek(in, model, read_deepseek_router(in.fields, "sigmoid", "noaux_tc"));
}

// Files leave out norm_topk_prob, which is true by default.
void read_glm4_moe_lite(const FamilyInput& in, ModelSpec& model) {
  RouterSpec router = read_deepseek_router(in.fields, "sigmoid", "noaux_tc");
  router.renormalise = in.fields.flag_or({"norm_topk_prob"}, true);
  read_deepseek(in, model, router);
}

// LongCat: each layer of the config is two blocks of attention and dense feed-forward; the experts
// run beside the first, and some ids of the router are identity experts without weights.
void read_longcat(const FamilyInput& in, ModelSpec& model) {
  LayerSpec second;
  second.attention = read_latent_attention(in.fields, in.hidden);
  second.dense_width = in.fields.required({"ffn_hidden_size"}, kMaxWidth);
  second.norm_params = 2 * in.hidden;
  LayerSpec first = second;
  first.moe = read_experts(in.fields, in.hidden, {"expert_ffn_hidden_size"});
  RouterSpec& router = first.moe->router;
  router.correction_bias = true;
  router.renormalise = in.fields.flag_or({"norm_topk_prob"}, false);
  router.scaling = in.fields.positive_or({"routed_scaling_factor"}, 1.0);
  if (in.fields.text_or({"zero_expert_type"}, "identity") != "identity") {
    in.fields.fault({"zero_expert_type"}, "identity expected");
  }
  router.num_zero_experts = in.fields.integer_or({"zero_expert_num"}, 0, 0, kMaxExperts);
  check_moe(in.fields, *first.moe);
  for (std::int64_t i = 0; i < in.num_layers; ++i) {
    model.layers.push_back(first);
    model.layers.push_back(second);
  }
}

}  // namespace

std::vector<Family> latent_families() {
  return {
      {"DeepseekV2ForCausalLM", read_deepseek_v2},
      {"DeepseekV3ForCausalLM", read_deepseek_v3},
      {"DeepseekV32ForCausalLM", read_deepseek_v3},
      {"Glm4MoeLiteForCausalLM", read_glm4_moe_lite},
      {"GlmMoeDsaForCausalLM", read_deepseek_v3},
      {"KimiK25ForConditionalGeneration", read_deepseek_v3},
      {"LongcatFlashForCausalLM", read_longcat},
  };
}

}  // namespace moesim
