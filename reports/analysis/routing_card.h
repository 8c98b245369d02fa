// What `moesim route` shows of a model's router by itself: loads, repeats, co-activation, and what
// an expert-parallel layout would make of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/router/bank/load_statistics.h"
#include "models/router/bank/routing_report.h"
#include "reports/results/case_routing.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// One way of carrying tokens to their experts and back; means per token and MoE layer.
struct DispatchCost {
  std::string mode;                 // "normal", "low latency", "all-gather", "all-to-all".
  double copies_inside_nodes = 0;   // Between ranks of one node ...
  double copies_between_nodes = 0;  // ... and of different ones.
  Bytes dispatch, combine;
};

// Experts spread over the ranks of a deployment.
struct ExpertSpread {
  std::int64_t ranks = 1;
  std::int64_t nodes = 1;
  Grid group_load;               // [MoE layer][EP group] pairs over the mean.
  std::vector<double> overload;  // [MoE layer] fullest EP group over the mean one.
  double mean_overload = 0;
  std::vector<DispatchCost> costs;
  Grid dispatch_bytes;  // [source][destination] per token, all MoE layers, normal mode.
};

struct RoutingCard {
  ModelSpec model;
  std::uint64_t seed = 0;
  std::string basis;  // routing_basis().
  RoutingBank bank;
  Grid load;                           // [MoE layer][expert] tokens over the mean.
  std::vector<LoadStatistics> loads;   // [MoE layer]
  std::vector<RepeatRates> repeats;    // [MoE layer]
  std::vector<double> coactivation;    // [MoE layer]
  std::optional<ExpertSpread> spread;  // With more than one EP group.
};

// Everything about a bank. `deployment` says model, source of tokens, seed, and, where its plan has
// more than one EP group, the layout; its other parts are not looked at.
RoutingCard make_routing_card(const Deployment& deployment, RoutingBank bank);

}  // namespace moesim
