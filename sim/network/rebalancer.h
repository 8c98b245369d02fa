// Rebalancing of the experts of a pipeline stage: when, by which loads, and with what effect.
#pragma once

#include <cstdint>
#include <vector>

#include "models/router/draw/drawn_tokens.h"
#include "sim/deployment/deployment.h"
#include "sim/network/balance_period.h"
#include "sim/network/stage.h"

namespace moesim {

// The cost of moving experts between the ranks of a stage.
struct MovingCost {
  std::int64_t copies = 0;
  Bytes bytes;
  Seconds time;
};

class Rebalancer {
 public:
  // Keeps references to deployment and bank. Requires: rebalance_steps > 0.
  Rebalancer(const Deployment& deployment, const RoutingBank& bank, const BlockLayout& layout);

  // A step begins on a stage; true if its experts must be placed again first.
  bool begin_step(const Stage& stage);
  // A new placement by the tokens that the stage's replica has routed in this layer since the last
  // call, by EPLB or kCoactivation, with as few moves as its groups allow; `before` if the gain is
  // below rebalance_gain. Forgets those tokens.
  LayerPlacement place(const Stage& stage, std::int64_t moe_layer, const LayerPlacement& before,
                       const BlockLayout& layout);
  // The experts of a stage have been placed again.
  void begin_period(const Stage& stage, const MovingCost& cost);
  // The tokens of a layer have been routed.
  void count(const Stage& stage, std::int64_t moe_layer, const LayerLoad& load,
             const BlockLayout& layout);

  std::vector<BalancePeriod> periods() const;

 private:
  struct Watched {
    BalancePeriod period;
    double fullest_pairs = 0, mean_pairs = 0;
  };
  Watched& current(const Stage& stage);

  const Deployment& deployment_;
  const RoutingBank& bank_;
  PlacementSpec spec_;
  std::vector<DrawnTokens> drawn_;    // [replica]
  std::vector<Watched> periods_;      // In order of time.
  std::vector<std::size_t> current_;  // [replica * stages + stage] index of its last period.
};

// The cost of moving from one placement of a layer to another: every rank of a group sends its
// share of an expert to the same rank of the new group, all at once. `loads` gets the bytes through
// each port.
MovingCost moving_cost(const Deployment& deployment, const LayerSpec& layer, const CommGroup& ranks,
                       const LayerPlacement& before, const LayerPlacement& after, PortLoads& loads);

}  // namespace moesim
