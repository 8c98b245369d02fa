// Time, energy and traffic of one engine step on one pipeline stage, from the costs of its kernels
// and collectives on every rank and the waits between ranks. Arithmetic on values; no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/network/token_exchange.h"
#include "sim/network/traffic_totals.h"
#include "sim/step/half_batches.h"
#include "sim/step/layer_costs.h"
#include "sim/step/step_batch.h"
#include "sim/step/step_timeline.h"

namespace moesim {

// The cost of one step of one stage. The activities of every rank add up to `time`.
struct StageCost {
  Seconds time;
  std::vector<DeviceLedger> ranks;
  TrafficTotals traffic;
  RoutingTally routing;
  CommunicationTimes communication;
  PortLoads dispatched;  // By dispatch; empty where tokens do not travel.
};

class StepModel {
 public:
  // Keeps references to both. Requires: a bank for MoE models, else null.
  StepModel(const Deployment& deployment, const RoutingBank* bank);
  StepModel(const StepModel&) = delete;
  StepModel& operator=(const StepModel&) = delete;

  // Writes the cost of a step with the given batches, [attention-DP rank], to `cost`, and its spans
  // to `log` unless null. Steps with prompt tokens are launched eagerly, decode-only steps as a
  // CUDA graph.
  void run(Stage& stage, std::span<const RankStep> ranks, StageCost& cost, SpanLog* log = nullptr);

  const DeviceModel& device() const { return device_; }
  // Empty for dense models.
  const std::optional<TokenExchange>& exchange() const { return exchange_; }
  // Distinct attention windows of the model; the order of RankBatch::attention.
  const std::vector<std::int64_t>& windows() const { return layers_.windows(); }

 private:
  // Costs of layers without routed experts, for a half of the batch.
  struct HalfCosts {
    std::vector<WorkCost> attention;  // [attention class * DP ranks + DP rank]
    std::vector<WorkCost> layer;      // [layer class * DP ranks + DP rank]
  };

  void price_layers(std::size_t half);
  void enter_layer(std::int64_t layer);
  void run_layers(Stage& stage);
  void run_attention(Stage& stage, std::size_t half, std::int64_t c);
  void send_to_experts(Stage& stage, std::size_t half, std::int64_t c, std::int64_t moe_layer);
  void run_experts(Stage& stage, std::size_t half, std::int64_t c);
  void reduce_activations(Stage& stage, std::size_t half, std::int64_t c, LayerCosts::Reduce which);
  Seconds hidden_reduce(const CollectiveCost& cost, std::int64_t c, LayerCosts::Reduce which,
                        std::int64_t tokens);
  double dispatch_share() const;
  std::int64_t tokens_of(std::size_t half) const;
  Seconds host_time(std::span<const RankStep> ranks) const;
  TrafficTotals traffic() const;

  const Deployment& deployment_;
  DeviceModel device_;
  LayerCosts layers_;
  StepTimeline timeline_;
  std::optional<TokenExchange> exchange_;  // MoE models only.
  bool exchanges_;  // Whether tokens or their sums go to ranks outside the TP group.
  // State of the present step.
  bool eager_ = false;
  HalfBatches batch_;
  std::array<HalfCosts, 2> costs_;
};

}  // namespace moesim
