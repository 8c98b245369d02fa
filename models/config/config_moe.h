// The sparse feed-forward blocks of the architecture families: which layers have one, how wide the
// experts are, and how their gate chooses.
#pragma once

#include <cstdint>
#include <vector>

#include "models/config/config_fields.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Number of experts, top-k and expert width; shared experts and router are read by the family.
// `width_names`: some families call the expert width intermediate_size, others
// moe_intermediate_size.
MoeSpec read_experts(const ConfigFields& fields, std::int64_t hidden, Names width_names);

// Checks fields against each other: top_k against the experts that may be chosen, groups against
// the experts. Contradictions become faults at the fields.
void check_moe(const ConfigFields& fields, const MoeSpec& moe);

// topk_method, scoring_func, n_group, topk_group, norm_topk_prob, routed_scaling_factor, with the
// given score and method where a family leaves them implicit. Groups are ranked by their two
// largest scores where there is a correction bias, else by their largest. Source: DeepSeek-V2 and
// V3 model code (arXiv:2405.04434, arXiv:2412.19437).
RouterSpec read_deepseek_router(const ConfigFields& fields, const char* score, const char* method);

// Softmax over all experts, then top-k; norm_topk_prob says whether the weights are renormalised.
RouterSpec softmax_router(const ConfigFields& fields, bool renormalise_by_default);

// Top-k of the logits, then softmax over the chosen (Mixtral). The weights then sum to 1 already.
RouterSpec topk_softmax_router();

// Which layers have experts, one function per convention of the fields.
using LayerPattern = std::vector<bool>;

LayerPattern every_layer(std::int64_t num_layers);
// first_k_dense_replace and moe_layer_freq (a number or 0/1 per layer), or mlp_layer_types.
LayerPattern read_deepseek_pattern(const ConfigFields& fields, std::int64_t num_layers);
// decoder_sparse_step and mlp_only_layers.
LayerPattern read_qwen_pattern(const ConfigFields& fields, std::int64_t num_layers);
// Layer i has experts if (i + 1) is a multiple of the step.
LayerPattern read_step_pattern(const ConfigFields& fields, Names step, std::int64_t num_layers);
// expert_layer_period and expert_layer_offset.
LayerPattern read_jamba_pattern(const ConfigFields& fields, std::int64_t num_layers);
// moe_layer_start_index, moe_layer_end_index (-1 = last) and moe_layer_interval.
LayerPattern read_ernie_pattern(const ConfigFields& fields, std::int64_t num_layers);

// Layers from their parts.
struct StackParts {
  std::vector<AttentionSpec> attention;  // One per layer.
  LayerPattern sparse;                   // One per layer.
  MoeSpec moe;
  std::int64_t dense_width = 0;  // Width of the layers without experts.
  std::int64_t norm_params = 0;  // Per layer.
  int num_norms = 2;
};
std::vector<LayerSpec> stack_layers(const StackParts& parts);

}  // namespace moesim
