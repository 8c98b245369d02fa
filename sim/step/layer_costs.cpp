#include "sim/step/layer_costs.h"

#include <algorithm>
#include <bit>

namespace moesim {

namespace {

// The index of the first element equal to `value`, which is added if there is none.
template <class T>
std::int64_t index_in(std::vector<T>& values, const T& value) {
  const auto found = std::find(values.begin(), values.end(), value);
  if (found != values.end()) return found - values.begin();
  values.push_back(value);
  return static_cast<std::int64_t>(values.size()) - 1;
}

// Keeps nine significant bits: exact below 512, within 0.2 % above, so that the large counts of
// prompt steps, which differ every time, share cache entries.
std::int64_t rounded_pairs(std::int64_t pairs) {
  const int shift =
      std::max(0, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(pairs))) - 9);
  const std::int64_t half = shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
  return (pairs + half) >> shift << shift;
}

constexpr int kHitBits = 16;

}  // namespace

LayerCosts::LayerCosts(const ModelSpec& model, const ParallelPlan& plan, const DtypePlan& dtypes,
                       const DeviceModel& device, const ServingPolicy& serving, Sampling sampling)
    : model_(model),
      plan_(plan),
      dtypes_(dtypes),
      device_(device),
      sampling_bytes_(sampling_bytes(serving, sampling)),
      moe_launch_factor_(serving.moe_launch_factor),
      expert_alignment_(device.device().family.contiguous_experts ? serving.expert_alignment : 0),
      host_runs_ahead_(!serving.cuda_graphs),
      shared_(serving.shared_expert_overlap ? SharedExperts::kApart : SharedExperts::kIncluded) {
  classify_layers();
}

void LayerCosts::classify_layers() {
  std::vector<LayerSpec> layers;
  std::vector<std::pair<AttentionSpec, MatrixFormats>> attentions;
  std::vector<std::pair<MoeSpec, LayerFormats>> moes;
  for (const LayerSpec& layer : model_.layers) {
    const std::int64_t c = index_in(layers, layer);
    class_of_layer_.push_back(c);
    if (c < num_classes()) continue;
    classes_.push_back({&layer, index_in(attentions, {layer.attention, layer.formats.attention}),
                        index_in(windows_, layer.attention.window),
                        layer.moe ? index_in(moes, {*layer.moe, layer.formats}) : -1});
  }
  num_attention_classes_ = static_cast<std::int64_t>(attentions.size());
  linear_.resize(classes_.size());
  shared_experts_.resize(classes_.size());
  neighbours_.resize(4 * classes_.size());
  experts_.resize(2 * moes.size());
}

WorkCost LayerCosts::priced(std::span<const Kernel> kernels, bool eager,
                            double launch_factor) const {
  return host_runs_ahead_ ? queued_work_cost(kernels, device_, launch_factor)
                          : work_cost(kernels, device_, eager, launch_factor);
}

WorkCost LayerCosts::priced_in(std::int64_t c, std::span<const Kernel> kernels, bool eager) const {
  return priced(kernels, eager, spec(c).moe ? moe_launch_factor_ : 1);
}

template <class Price>
const WorkCost& LayerCosts::cached(ByLaunch& table, std::int64_t count, bool eager,
                                   const Price& price) {
  ByCount& costs = table[eager ? 1 : 0];
  if (count >= static_cast<std::int64_t>(costs.size())) costs.resize(count + 1);
  std::optional<WorkCost>& cost = costs[count];
  if (!cost) cost = count == 0 ? WorkCost{} : price();
  return *cost;
}

const WorkCost& LayerCosts::linear(std::int64_t c, std::int64_t tokens, bool eager) {
  return cached(linear_[c], tokens, eager, [&] {
    return priced_in(c, linear_kernels(model_, spec(c), plan_, dtypes_, tokens, shared_), eager);
  });
}

const WorkCost& LayerCosts::shared_experts(std::int64_t c, std::int64_t tokens, bool eager) {
  return cached(shared_experts_[c], tokens, eager, [&] {
    return priced_in(c, shared_expert_kernels(model_, spec(c), plan_, tokens), eager);
  });
}

const LayerCosts::Neighbours& LayerCosts::neighbours(std::int64_t c, Reduce which,
                                                     std::int64_t tokens, bool eager) {
  auto& table = neighbours_[4 * c + 2 * static_cast<std::int64_t>(which) + (eager ? 1 : 0)];
  if (tokens >= static_cast<std::int64_t>(table.size())) table.resize(tokens + 1);
  if (!table[tokens]) {
    const auto kernels = which == Reduce::kAttention ? attention_reduce : ffn_reduce;
    const ReduceNeighbours sides = kernels(model_, spec(c), plan_, tokens);
    table[tokens] = {priced_in(c, sides.before, eager).time(),
                     priced_in(c, sides.after, eager).time()};
  }
  return *table[tokens];
}

WorkCost LayerCosts::attention(std::int64_t c, const AttentionLoad& load, bool eager) const {
  if (load.prefill_tokens == 0 && load.decode_sequences == 0) return {};
  return priced(attention_kernels(spec(c), plan_, dtypes_, load), eager);
}

const WorkCost& LayerCosts::experts(std::int64_t c, std::int64_t pairs, std::int64_t hit,
                                    bool eager) {
  const std::uint64_t key = static_cast<std::uint64_t>(rounded_pairs(pairs)) << kHitBits |
                            static_cast<std::uint64_t>(hit);
  CostTable& table = experts_[2 * classes_[c].experts + (eager ? 1 : 0)];
  return table.find(key, [&](std::uint64_t) {
    if (pairs == 0) return WorkCost{};
    const ExpertLoad load{rounded_pairs(pairs), hit, padding_rows(spec(c), pairs, hit)};
    return priced_in(c, expert_kernels(model_, spec(c), plan_, load), eager);
  });
}

// An expert with few rows fills one piece of `expert_alignment`; one with many loses half a piece
// in the mean. Below so many tokens other kernels run. Source: docs/physics.md, "Experts".
std::int64_t LayerCosts::padding_rows(const LayerSpec& layer, std::int64_t pairs,
                                      std::int64_t hit) const {
  const std::int64_t tokens = pairs * plan_.ep / layer.moe->top_k;
  const bool contiguous = layer.formats.routed.of("down").dtype == Dtype::kFp8 &&
                          expert_alignment_ > 0 && tokens >= expert_alignment_;
  if (!contiguous) return 0;
  return std::max(expert_alignment_ * hit - pairs, expert_alignment_ * hit / 2);
}

const WorkCost& LayerCosts::embedding(std::int64_t tokens, bool eager) {
  return cached(embedding_, tokens, eager,
                [&] { return priced(head_kernels(model_, plan_, tokens, 0), eager); });
}

const WorkCost& LayerCosts::head(std::int64_t sampled, bool eager) {
  return cached(head_, sampled, eager, [&] {
    return priced(head_kernels(model_, plan_, 0, sampled, sampling_bytes_), eager);
  });
}

}  // namespace moesim
