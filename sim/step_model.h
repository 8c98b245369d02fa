// The time, energy and traffic of one engine step on one pipeline stage: what its kernels and
// collectives cost on every rank, and who waits for whom. Arithmetic on values; no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/layer_times.h"
#include "sim/step_books.h"
#include "sim/token_exchange.h"

namespace moesim {

// One step of one stage. The activities of every rank add up to `time`.
struct StageCost {
  Seconds time;
  std::vector<DeviceLedger> ranks;
  TrafficTotals traffic;
  RoutingTally routing;
};

class StepModel {
 public:
  // Requires: a bank for MoE models. It and the deployment must outlive this.
  StepModel(const Deployment& deployment, const RoutingBank* bank);
  StepModel(const StepModel&) = delete;
  StepModel& operator=(const StepModel&) = delete;

  // The cost of a step of the given batches (one per attention-DP rank) on a stage. Steps with
  // prompt tokens are launched eagerly, decode-only steps as a CUDA graph. What each rank does when
  // goes to `log`, if there is one.
  void run(Stage& stage, std::span<const RankStep> ranks, StageCost& cost, SpanLog* log = nullptr);

  const DeviceModel& device() const { return device_; }
  // Nothing for dense models.
  const std::optional<TokenExchange>& exchange() const { return exchange_; }
  // Distinct attention windows of the model; the batches' attention loads come in this order.
  const std::vector<std::int64_t>& windows() const { return layers_.windows(); }

 private:
  void price_layers(std::span<const RankStep> ranks, bool eager);
  void enter_layer(std::int64_t layer);
  void run_attention(Stage& stage, std::span<const RankStep> ranks, std::int64_t c);
  void run_experts(Stage& stage, std::int64_t c, std::int64_t moe_layer, bool eager);
  void reduce_activations(Stage& stage, std::span<const RankStep> ranks);
  Seconds host_time(std::span<const RankStep> ranks) const;
  TrafficTotals traffic() const;

  const Deployment& deployment_;
  DeviceModel device_;
  LayerTimes layers_;
  StepBooks books_;
  std::optional<TokenExchange> exchange_;  // MoE models only.
  std::vector<WorkCost> attention_;        // [attention class * DP ranks + DP rank], of this step
  std::vector<WorkCost> layer_;            // [layer class * DP ranks + DP rank], of this step
  std::int64_t step_tokens_ = 0;           // Of all DP ranks.
};

}  // namespace moesim
