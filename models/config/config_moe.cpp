#include "models/config/config_moe.h"

#include <fmt/format.h>

#include <algorithm>

namespace moesim {
namespace {

constexpr Names kExpertNames = {"n_routed_experts", "num_local_experts", "num_experts",
                                "moe_num_experts"};
constexpr Names kTopKNames = {"num_experts_per_tok", "moe_topk",          "moe_k",
                              "moe_top_k",           "experts_per_token", "num_experts_per_token",
                              "top_k_experts"};

}  // namespace

MoeSpec read_experts(const ConfigFields& fields, std::int64_t hidden, Names width_names) {
  MoeSpec moe;
  moe.num_experts = fields.required(kExpertNames, kMaxExperts);
  moe.top_k = fields.required(kTopKNames, kMaxExperts);
  moe.expert_width = fields.required(width_names, kMaxWidth);
  moe.expert_input = hidden;
  return moe;
}

void check_moe(const ConfigFields& fields, const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  if (moe.num_experts == 0 || moe.top_k == 0) return;  // Already a fault.
  if (moe.top_k > moe.num_experts) {
    fields.fault(kTopKNames, fmt::format("at most the {} experts expected", moe.num_experts));
    return;
  }
  if (moe.num_experts % router.num_groups != 0) {
    fields.fault({"n_group"}, fmt::format("a divisor of the {} experts expected", moe.num_experts));
    return;
  }
  if (router.top_groups > router.num_groups) {
    fields.fault({"topk_group"}, fmt::format("at most n_group {} expected", router.num_groups));
    return;
  }
  const std::int64_t open = moe.num_experts / router.num_groups * router.top_groups;
  if (moe.top_k > open) {
    fields.fault(kTopKNames,
                 fmt::format("at most the {} experts of the kept groups expected", open));
  }
}

namespace {

constexpr Names kScoreNames = {"scoring_func", "moe_router_activation_func"};

ScoreFunction read_score(const ConfigFields& fields, const char* otherwise) {
  const std::string name = fields.text_or(kScoreNames, otherwise);
  if (name == "softmax") return ScoreFunction::kSoftmax;
  if (name == "sigmoid") return ScoreFunction::kSigmoid;
  if (name == "sqrtsoftplus") return ScoreFunction::kSqrtSoftplus;
  fields.fault(kScoreNames, "one of softmax, sigmoid, sqrtsoftplus expected");
  return ScoreFunction::kSoftmax;
}

}  // namespace

RouterSpec read_deepseek_router(const ConfigFields& fields, const char* score, const char* method) {
  RouterSpec router;
  router.score = read_score(fields, score);
  router.renormalise = fields.flag_or({"norm_topk_prob", "moe_renormalize"}, false);
  router.scaling = fields.positive_or({"routed_scaling_factor"}, 1.0);
  const std::string topk_method = fields.text_or({"topk_method"}, method);
  const bool grouped = topk_method == "noaux_tc" || topk_method == "group_limited_greedy";
  if (!grouped && topk_method != "greedy") {
    fields.fault({"topk_method"}, "one of greedy, group_limited_greedy, noaux_tc expected");
  }
  router.correction_bias = topk_method == "noaux_tc";
  router.group_score = router.correction_bias ? GroupScore::kSumOfTwoLargest : GroupScore::kLargest;
  // DeepSeek-V2's own code scales only weights that it did not renormalise.
  router.scale_renormalised = router.correction_bias || router.score != ScoreFunction::kSoftmax;
  if (grouped) {
    router.num_groups = fields.count_or({"n_group", "num_expert_group"}, 1, kMaxExperts);
    router.top_groups = fields.count_or({"topk_group"}, router.num_groups, kMaxExperts);
  }
  return router;
}

RouterSpec softmax_router(const ConfigFields& fields, bool renormalise_by_default) {
  RouterSpec router;
  router.renormalise = fields.flag_or({"norm_topk_prob"}, renormalise_by_default);
  return router;
}

RouterSpec topk_softmax_router() {
  RouterSpec router;
  router.order = SelectionOrder::kTopKThenScore;
  return router;
}

namespace {

template <class HasExperts>
LayerPattern pattern_of(std::int64_t num_layers, HasExperts has_experts) {
  LayerPattern pattern;
  for (std::int64_t i = 0; i < num_layers; ++i) pattern.push_back(has_experts(i));
  return pattern;
}

}  // namespace

LayerPattern every_layer(std::int64_t num_layers) {
  return LayerPattern(static_cast<std::size_t>(num_layers), true);
}

LayerPattern read_deepseek_pattern(const ConfigFields& fields, std::int64_t num_layers) {
  if (fields.has({"mlp_layer_types"})) {
    const auto types = fields.text_per_layer({"mlp_layer_types"}, num_layers, {"dense", "sparse"});
    return pattern_of(static_cast<std::int64_t>(types.size()), [&](std::int64_t i) {
      return types[static_cast<std::size_t>(i)] == "sparse";
    });
  }
  const std::int64_t prefix = fields.integer_or({"first_k_dense_replace"}, 0, 0, num_layers);
  const auto frequency = fields.find({"moe_layer_freq"});
  if (frequency && frequency->is_list()) {
    const auto flags = fields.per_layer({"moe_layer_freq"}, num_layers, 0, 1);
    return pattern_of(num_layers, [&](std::int64_t i) {
      return i >= prefix && flags[static_cast<std::size_t>(i)] == 1;
    });
  }
  const std::int64_t step = fields.count_or({"moe_layer_freq"}, 1, kMaxLayers);
  return pattern_of(num_layers, [&](std::int64_t i) { return i >= prefix && i % step == 0; });
}

LayerPattern read_qwen_pattern(const ConfigFields& fields, std::int64_t num_layers) {
  LayerPattern pattern = read_step_pattern(fields, {"decoder_sparse_step"}, num_layers);
  const auto dense_only = fields.find({"mlp_only_layers"});
  if (!dense_only || num_layers == 0) return pattern;
  for (const Value& item : dense_only->items()) {
    const auto layer = item.integer(0, num_layers - 1);
    if (layer) pattern[static_cast<std::size_t>(*layer)] = false;
  }
  return pattern;
}

LayerPattern read_step_pattern(const ConfigFields& fields, Names step_names,
                               std::int64_t num_layers) {
  const std::int64_t step = fields.count_or(step_names, 1, kMaxLayers);
  return pattern_of(num_layers, [&](std::int64_t i) { return (i + 1) % step == 0; });
}

LayerPattern read_jamba_pattern(const ConfigFields& fields, std::int64_t num_layers) {
  const std::int64_t period = fields.count_or({"expert_layer_period"}, 2, kMaxLayers);
  const std::int64_t offset = fields.integer_or({"expert_layer_offset"}, 1, 0, period - 1);
  return pattern_of(num_layers, [&](std::int64_t i) { return i % period == offset; });
}

LayerPattern read_ernie_pattern(const ConfigFields& fields, std::int64_t num_layers) {
  const std::int64_t start = fields.integer_or({"moe_layer_start_index"}, 1, 0, num_layers);
  const std::int64_t end = fields.integer_or({"moe_layer_end_index"}, -1, -1, kMaxLayers);
  const std::int64_t last = end == -1 ? num_layers - 1 : end;
  const std::int64_t step = fields.count_or({"moe_layer_interval"}, 1, kMaxLayers);
  return pattern_of(num_layers,
                    [&](std::int64_t i) { return i >= start && i <= last && (i + 1) % step == 0; });
}

std::vector<LayerSpec> stack_layers(const StackParts& parts) {
  std::vector<LayerSpec> layers;
  for (std::size_t i = 0; i < parts.attention.size(); ++i) {
    LayerSpec layer;
    layer.attention = parts.attention[i];
    const bool sparse = i < parts.sparse.size() && parts.sparse[i];
    if (sparse) layer.moe = parts.moe;
    if (!sparse) layer.dense_width = parts.dense_width;
    layer.norm_params = parts.norm_params;
    layer.num_norms = parts.num_norms;
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace moesim
