// Routed tokens of one step: how many each EP group gets in each layer, and the dispatch and
// combine transfers that carry them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/router/draw/routing_sampler.h"
#include "models/router/draw/traffic.h"
#include "sim/network/collectives.h"
#include "sim/network/rebalancer.h"
#include "sim/network/routing_tally.h"
#include "sim/network/stage.h"

namespace moesim {

class TokenExchange {
 public:
  // Keeps references to both. See place_bank() for the half of the bank that serves.
  TokenExchange(const Deployment& deployment, const RoutingBank& bank);

  // Starts a step with these tokens: [half of the batch][attention-DP rank]. Where tokens travel,
  // the ranks of a TP group hold the same tokens, and each sends its share of them.
  // Requires: one half or two.
  void open(const Stage& stage, std::span<const std::vector<SourceTokens>> tokens);
  // Rebalances the stage's experts if that is due; returns the time in which their weights move,
  // one layer after another. Requires: called between open() and the first draw.
  Seconds rebalance(const Stage& stage);
  // Routes the tokens of a half through a MoE layer; valid until the next draw of that half.
  const LayerLoad& draw(Stage& stage, std::int64_t moe_layer, std::size_t half);
  // The latest draw of a half.
  const LayerLoad& load(std::size_t half) const { return halves_[half].load; }
  // Durations of the transfers of the latest draw. Requires: tokens travel.
  Seconds dispatch(const Stage& stage, const MoeSpec& moe, std::size_t half);
  Seconds combine(const Stage& stage, const MoeSpec& moe, std::size_t half);
  // Of this step.
  DispatchMode mode() const { return mode_; }

  // Sums since open(). Bytes through the ports of each rank:
  const PortLoads& carried() const { return carried_; }
  // The part of dispatch; empty where tokens do not travel.
  const PortLoads& carried_there() const { return there_; }
  Bytes dispatched() const { return Bytes(dispatched_); }
  Bytes combined() const { return Bytes(combined_); }
  Bytes moved() const { return moved_; }
  const RoutingTally& tally() const { return tally_; }

  // Over the whole run, see RoutingSummary.
  std::vector<BalancePeriod> periods() const;
  // Bytes per token between the ranks of a stage under the present placement of the first replica,
  // weighted over modes by the tokens of each. Requires: tokens travel.
  TrafficMatrix traffic(const RoutingTally& tally) const;

 private:
  enum class Way { kThere, kBack };
  struct Half {
    std::int64_t tokens = 0;
    std::vector<SourceTokens> sources;
    LayerLoad load;
  };

  void take(std::span<const SourceTokens> dp_ranks, Half& half);
  RoutingSampler make_sampler(const std::vector<LayerPlacement>& placement) const;
  RoutingSampler& sampler(std::int64_t replica);
  static AllToAllKernel kernel_of(DispatchMode mode, Way way);
  // Duration of the transfer of the latest draw; adds the bytes of all ranks to `sent`.
  Seconds send(const Stage& stage, const Half& half, Bytes copy, Way way, double& sent);
  // Duration of a collective; its bytes through the ports go to loads_.
  Seconds collective(const CollectiveCost& cost);
  void carry();

  const Deployment& deployment_;
  RoutingBank served_;
  std::vector<const LayerSpec*> moe_layers_;
  std::vector<RoutingSampler> samplers_;  // [replica]; the first serves those never rebalanced.
  std::optional<Rebalancer> rebalancer_;
  DispatchMode mode_ = DispatchMode::kNormal;  // Of the step.
  std::size_t mode_index_ = 0;                 // Of mode_ in the samplers.
  bool decode_only_ = false;
  std::array<Half, 2> halves_;
  PortLoads loads_;    // Of one transfer.
  PortLoads carried_;  // Of all since open().
  PortLoads there_;    // Of all dispatches since open().
  double dispatched_ = 0;
  double combined_ = 0;
  Bytes moved_;
  RoutingTally tally_;
};

}  // namespace moesim
