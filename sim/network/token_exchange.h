// Routing of one step: which EP groups get how many tokens, layer by layer, and the transfers that
// carry them there and back.
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
  // Keeps references to both. Placements that go by loads are made from one half of the bank and
  // serve the other (PlacementProfile::kHeldOut).
  TokenExchange(const Deployment& deployment, const RoutingBank& bank);

  // Starts a step with these tokens: [half of the batch][attention-DP rank]. Where tokens travel,
  // the ranks of a TP group hold the same tokens, and each sends its share of them.
  // Requires: one half or two.
  void open(const Stage& stage, std::span<const std::vector<SourceTokens>> tokens);
  // Places the stage's experts anew if that is due; how long their weights travel, layer by layer.
  // Between open() and the first draw.
  Seconds rebalance(const Stage& stage);
  // Routes the tokens of a half through a MoE layer; the result lasts until its next draw.
  const LayerLoad& draw(Stage& stage, std::int64_t moe_layer, std::size_t half);
  // The last draw of a half.
  const LayerLoad& load(std::size_t half) const { return halves_[half].load; }
  // Durations of its transfers. Requires: tokens travel.
  Seconds dispatch(const Stage& stage, const MoeSpec& moe, std::size_t half);
  Seconds combine(const Stage& stage, const MoeSpec& moe, std::size_t half);
  // How the tokens of this step travel.
  DispatchMode mode() const { return mode_; }

  // Sums since open(): bytes through the ports of each rank, sent by all, routing.
  const PortLoads& carried() const { return carried_; }
  // The part of them that dispatch carried; empty where tokens do not travel.
  const PortLoads& carried_there() const { return there_; }
  Bytes dispatched() const { return Bytes(dispatched_); }
  Bytes combined() const { return Bytes(combined_); }
  Bytes moved() const { return moved_; }
  const RoutingTally& tally() const { return tally_; }

  // Over the whole run: see RoutingSummary.
  std::vector<BalancePeriod> periods() const;
  // Bytes per token between the ranks of a stage where the experts lie now (first replica), modes
  // weighted by the tokens they carried. Requires: tokens travel.
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
  // Duration of the transfer of the last draw's copies; adds what all ranks send.
  Seconds send(const Stage& stage, const Half& half, Bytes copy, Way way, double& sent);
  // Its bytes through the ports go to loads_.
  Seconds collective(const CollectiveCost& cost);
  void carry();

  const Deployment& deployment_;
  RoutingBank served_;
  std::vector<const MoeSpec*> moe_;       // [MoE layer]
  std::vector<RoutingSampler> samplers_;  // [replica]; one for all that never rebalanced.
  std::optional<Rebalancer> rebalancer_;
  DispatchMode mode_ = DispatchMode::kNormal;  // Of the step.
  std::size_t way_ = 0;                        // Its place among the samplers' modes.
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
