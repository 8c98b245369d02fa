// Routing of one step: which EP groups get how many tokens, layer by layer, and the all-to-alls
// that carry them there and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/router/bank/routing_sampler.h"
#include "sim/batcher.h"
#include "sim/collectives.h"
#include "sim/stage.h"
#include "sim/summary.h"

namespace moesim {

// Sums over MoE layers and steps of what the router did.
struct RoutingTally {
  double decode_experts_hit = 0;   // Distinct experts in decode-only steps ...
  std::int64_t decode_layers = 0;  // ... over so many of their layers.
  double fullest_pairs = 0;        // Pairs of the fullest EP group ...
  double mean_pairs = 0;           // ... and of the mean one.

  void add(const RoutingTally& other);
};

class TokenExchange {
 public:
  // Keeps references to both.
  TokenExchange(const Deployment& deployment, const RoutingBank& bank);

  // A new step of these batches, one per attention-DP rank. Where tokens travel, the ranks of a TP
  // group hold the same tokens, and each sends its share of them.
  void open(std::span<const RankStep> ranks);
  // Routes the step's tokens through a MoE layer; the result lasts until the next draw.
  const LayerLoad& draw(Stage& stage, std::int64_t moe_layer);
  // Durations of the all-to-alls of the last draw. Requires: tokens travel.
  Seconds dispatch(const Stage& stage, const MoeSpec& moe);
  Seconds combine(const Stage& stage, const MoeSpec& moe);

  // Sums since open(): bytes through the ports of each rank, sent by all, routing.
  const PortLoads& carried() const { return carried_; }
  Bytes dispatched() const { return Bytes(dispatched_); }
  Bytes combined() const { return Bytes(combined_); }
  const RoutingTally& tally() const { return tally_; }

 private:
  Seconds exchange(const Stage& stage, AllToAllKernel kernel);
  const RoutingSampler& sampler() const { return samplers_[static_cast<std::size_t>(mode_)]; }

  const Deployment& deployment_;
  std::vector<RoutingSampler> samplers_;       // By DispatchMode; one where no tokens travel.
  DispatchMode mode_ = DispatchMode::kNormal;  // Of the step.
  bool decode_only_ = false;
  std::vector<SourceTokens> sources_;
  LayerLoad load_;
  PortLoads loads_;    // Of one all-to-all.
  PortLoads carried_;  // Of all since open().
  double dispatched_ = 0;
  double combined_ = 0;
  RoutingTally tally_;
};

}  // namespace moesim
