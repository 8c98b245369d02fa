// The profile that a placement is made from: how many tokens chose each expert of a layer, and
// which experts they and their sequences chose together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/placement/placement.h"
#include "models/router/bank/routing_bank.h"

namespace moesim {

struct ExpertProfile {
  ExpertCounts counts;  // [expert] tokens that chose it.
  // [expert * experts + expert] tokens that chose both; 0 with itself.
  std::vector<double> together;
  std::vector<double> by_sequence;  // See counts_by_sequence().
};

// [sequence * experts + expert] tokens of a layer that chose each expert, token t times[t] times;
// without times, each once.
std::vector<double> counts_by_sequence(const RoutingBank& bank, std::int64_t layer,
                                       std::span<const double> times = {});

// The profile of a layer whose token t was seen times[t] times; without times, each once.
ExpertProfile expert_profile(const RoutingBank& bank, std::int64_t layer,
                             std::span<const double> times = {});

// Every other sequence of a bank: in each layer the two halves have no token in common, and
// neighbouring layers change sides, so that both halves know all sequences (a step draws its layers
// independently). A bank of one sequence is returned whole; the last of an odd number is left out.
enum class BankHalf { kProfile, kServed };
RoutingBank bank_half(const RoutingBank& bank, BankHalf half);

// Whether a placement by this spec chooses nodes, not just groups.
bool places_by_node(const PlacementSpec& spec, const PlacementShape& shape);

// The placement that a spec asks for in one layer. Rebalancing a linear or round-robin placement is
// up to the caller (EPLB, as serving engines do).
LayerPlacement place_layer(const PlacementSpec& spec, const PlacementShape& shape,
                           const ExpertProfile& profile);

}  // namespace moesim
