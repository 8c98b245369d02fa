// The time, energy and traffic of one engine step on one pipeline stage: what its kernels and
// collectives cost on every rank, and who waits for whom. Arithmetic on values; no clock.
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

// One step of one stage. The activities of every rank add up to `time`.
struct StageCost {
  Seconds time;
  std::vector<DeviceLedger> ranks;
  TrafficTotals traffic;
  RoutingTally routing;
  CommunicationTimes communication;
  PortLoads dispatched;  // Through the ports of each rank; empty where tokens do not travel.
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
  // What layers cost, routed experts aside, for a half of the batch.
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
  bool exchanges_;                         // Tokens or their sums go to ranks beyond the TP group.
  // Of this step.
  bool eager_ = false;
  HalfBatches batch_;
  std::array<HalfCosts, 2> costs_;
};

}  // namespace moesim
