// Costs of the layers of a model on one rank, cached by the numbers that they depend on: linear
// kernels by token count, routed experts by pairs and experts hit. Attention cores depend on the
// context of every sequence and are not cached.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hardware/kernels/kernel.h"
#include "models/work/layer_work.h"
#include "sim/deployment/serving_policy.h"
#include "sim/step/cost_table.h"
#include "sim/step/work_cost.h"

namespace moesim {

class LayerCosts {
 public:
  // Keeps references to the model and the device.
  LayerCosts(const ModelSpec& model, const ParallelPlan& plan, const DtypePlan& dtypes,
             const DeviceModel& device, const ServingPolicy& serving, Sampling sampling);

  // Equal layers share a class; classes with equal attention share an attention class.
  std::int64_t num_classes() const { return static_cast<std::int64_t>(classes_.size()); }
  std::int64_t class_of(std::int64_t layer) const { return class_of_layer_[layer]; }
  std::int64_t attention_class(std::int64_t c) const { return classes_[c].attention; }
  std::int64_t num_attention_classes() const { return num_attention_classes_; }
  const LayerSpec& spec(std::int64_t c) const { return *classes_[c].spec; }

  // Distinct attention windows of the model (0 = whole context), and the one of a class.
  const std::vector<std::int64_t>& windows() const { return windows_; }
  std::int64_t window_class(std::int64_t c) const { return classes_[c].window; }

  // Everything of a layer except attention core and routed experts, for `tokens` of one DP rank;
  // includes shared experts, unless they overlap with dispatch.
  const WorkCost& linear(std::int64_t c, std::int64_t tokens, bool eager);
  // Shared experts that overlap with dispatch.
  const WorkCost& shared_experts(std::int64_t c, std::int64_t tokens, bool eager);
  // Time of the kernels before and after one of a layer's two all-reduces, which can overlap with
  // it.
  struct Neighbours {
    Seconds before, after;
  };
  enum class Reduce { kAttention, kFeedForward };
  const Neighbours& neighbours(std::int64_t c, Reduce which, std::int64_t tokens, bool eager);
  WorkCost attention(std::int64_t c, const AttentionLoad& load, bool eager) const;
  // Routed experts of one EP group. Counts above 512 pairs are rounded to 0.2 %.
  const WorkCost& experts(std::int64_t c, std::int64_t pairs, std::int64_t hit, bool eager);
  const WorkCost& embedding(std::int64_t tokens, bool eager);
  const WorkCost& head(std::int64_t sampled, bool eager);

 private:
  struct LayerClass {
    const LayerSpec* spec;
    std::int64_t attention;
    std::int64_t window;
    std::int64_t experts;  // Index of the expert tables; -1 without experts.
  };
  // Costs by count, filled on demand; one table for graphs, one for eager launches.
  using ByCount = std::vector<std::optional<WorkCost>>;
  using ByLaunch = std::array<ByCount, 2>;

  template <class Price>
  const WorkCost& cached(ByLaunch& table, std::int64_t count, bool eager, const Price& price);
  void classify_layers();
  WorkCost priced(std::span<const Kernel> kernels, bool eager, double launch_factor = 1) const;
  // Kernels of a layer of class c, but for the attention core.
  WorkCost priced_in(std::int64_t c, std::span<const Kernel> kernels, bool eager) const;
  // Rows that the expert kernels work on besides the pairs.
  std::int64_t padding_rows(const LayerSpec& layer, std::int64_t pairs, std::int64_t hit) const;

  const ModelSpec& model_;
  ParallelPlan plan_;
  DtypePlan dtypes_;
  const DeviceModel& device_;
  double sampling_bytes_;  // Moved per logit.
  double moe_launch_factor_;
  std::int64_t expert_alignment_;
  bool host_runs_ahead_;
  SharedExperts shared_;
  std::vector<LayerClass> classes_;
  std::vector<std::int64_t> class_of_layer_;
  std::vector<std::int64_t> windows_;
  std::int64_t num_attention_classes_ = 0;
  std::vector<ByLaunch> linear_, shared_experts_;  // [class]
  std::vector<std::vector<std::optional<Neighbours>>>
      neighbours_;  // [class * 4 + reduce * 2 + eager]
  ByLaunch embedding_;
  ByLaunch head_;
  std::vector<CostTable> experts_;  // [expert tables * 2 + eager]
};

}  // namespace moesim
