// Scenario-level changes to a published model.
#include <fmt/format.h>

#include <stdexcept>

#include "models/spec/model_spec.h"

namespace moesim {
namespace {

// The same limits as for a config.json; products of these cannot overflow.
constexpr std::int64_t kMaxExperts = 100'000;
constexpr std::int64_t kMaxWidth = 10'000'000;
constexpr std::int64_t kMaxLayers = 100'000;
constexpr double kMaxParameters = 1e15;

void require_range(const char* name, std::optional<std::int64_t> value, std::int64_t max) {
  if (!value || (*value >= 1 && *value <= max)) return;
  throw std::invalid_argument(
      fmt::format("{}: {}: a whole number from 1 to {} expected", name, *value, max));
}

void change_moe(MoeSpec& moe, const ModelOverrides& overrides) {
  moe.num_experts = overrides.num_experts.value_or(moe.num_experts);
  moe.top_k = overrides.top_k.value_or(moe.top_k);
  moe.expert_width = overrides.expert_width.value_or(moe.expert_width);
  const RouterSpec& router = moe.router;
  if (moe.num_experts % router.num_groups != 0) {
    throw std::invalid_argument(
        fmt::format("num_experts: {}: a multiple of the router's {} groups expected",
                    moe.num_experts, router.num_groups));
  }
  const std::int64_t open = moe.num_experts / router.num_groups * router.top_groups;
  if (moe.top_k > open) {
    throw std::invalid_argument(
        fmt::format("top_k: {}: at most the {} experts that a token may choose from expected",
                    moe.top_k, open));
  }
  const double routed = 3.0 * static_cast<double>(moe.num_experts) *
                        static_cast<double>(moe.expert_width) *
                        static_cast<double>(moe.expert_input);
  if (routed > kMaxParameters / 1000) {
    throw std::invalid_argument(
        fmt::format("expert_width: {}: at most {:g} expert parameters per layer expected",
                    moe.expert_width, kMaxParameters / 1000));
  }
}

// The period p with which the layers repeat: layer i equals layer i - p from as early on as
// possible. Published patterns have periods of 1 to 8 layers.
std::size_t repetition_period(const std::vector<LayerSpec>& layers) {
  constexpr std::size_t kLongestPeriod = 16;
  std::size_t best_period = 1;
  std::size_t best_first = layers.size();
  for (std::size_t period = 1; period <= kLongestPeriod && period < layers.size(); ++period) {
    std::size_t first = layers.size();  // Layers from here on equal the one a period before.
    while (first > period && layers[first - 1] == layers[first - 1 - period]) --first;
    if (first >= best_first) continue;
    best_first = first;
    best_period = period;
  }
  return best_period;
}

// Fewer layers: the first ones. More: the repeating pattern goes on.
void change_depth(ModelSpec& model, std::int64_t num_layers) {
  const bool was_moe = model.is_moe();
  const std::size_t period = repetition_period(model.layers);
  const auto wanted = static_cast<std::size_t>(num_layers);
  if (wanted < model.layers.size()) model.layers.resize(wanted);
  while (model.layers.size() < wanted) {
    model.layers.push_back(model.layers[model.layers.size() - period]);
  }
  if (was_moe && !model.is_moe()) {
    throw std::invalid_argument(
        fmt::format("num_layers: {}: enough layers to keep one with experts expected", num_layers));
  }
}

}  // namespace

ModelSpec with_overrides(ModelSpec model, const ModelOverrides& overrides) {
  require_range("num_experts", overrides.num_experts, kMaxExperts);
  require_range("top_k", overrides.top_k, kMaxExperts);
  require_range("expert_width", overrides.expert_width, kMaxWidth);
  require_range("num_layers", overrides.num_layers, kMaxLayers);
  const bool experts = overrides.num_experts || overrides.top_k || overrides.expert_width;
  if (experts && !model.is_moe()) {
    throw std::invalid_argument(
        "num_experts, top_k, expert_width: the model is dense; an MoE model expected");
  }
  for (LayerSpec& layer : model.layers) {
    if (experts && layer.moe) change_moe(*layer.moe, overrides);
  }
  if (overrides.num_layers) change_depth(model, *overrides.num_layers);
  return model;
}

}  // namespace moesim
