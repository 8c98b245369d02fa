// What a router did to the tokens of a case, as plain values that every output renders.
#pragma once

#include <string>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/make/token_source.h"
#include "sim/results/summary.h"

namespace moesim {

using Grid = std::vector<std::vector<double>>;

// Empty for a dense model.
struct CaseRouting {
  std::string basis;                 // What the ids rest on, in a word or two: routing_basis().
  std::string provenance;            // The same in a sentence.
  Grid load;                         // [MoE layer][expert] tokens over the mean.
  std::vector<LayerRouting> layers;  // [MoE layer]
  // [source rank][destination rank] bytes of dispatch per token; empty where tokens do not travel.
  Grid dispatch_bytes;
  std::vector<BalancePeriod> periods;   // Between rebalancings; empty without.
  std::vector<TrainingPoint> training;  // Of a router trained for this case.
};

// "recorded", "drawn from counts", "real gates", "trained", "calibrated" on published statistics,
// "assumption" (the stated default of models without any), or "baseline".
std::string routing_basis(const ModelSpec& model, const TokenSource& source, RoutingOrigin origin);

// What a basis means, for people: a sentence without its full stop. Requires: one of the above.
std::string basis_meaning(const std::string& basis);

}  // namespace moesim
