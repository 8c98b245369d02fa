// A placement that balances as EPLB does and brings experts that tokens choose together onto one
// group or node, so that normal dispatch sends fewer copies: balanced graph partitioning by swaps.
#pragma once

#include "models/placement/expert_profile.h"

namespace moesim {

// No swap may raise the load of its two groups above this share over the mean group, unless one of
// them was above it before.
inline constexpr double kBalanceTolerance = 0.03;

// Gain of a pair of experts that share a node, where sharing a group is 1: scale-up ports are some
// 8 times as fast as scale-out ones, and a copy to a node is forwarded inside it.
inline constexpr double kNodeWeight = 4;

// Loss of a pair of experts that are busy in the same sequences, per unit of covariance of their
// tokens over the profile's sequences: a step's few sequences fill such a group all at once.
// Assumption: at 0.05 held-out overload of DeepSeek-V3 on 32 groups rises half as much over EPLB's
// as at 0, for a tenth to a seventh of the copies saved.
inline constexpr double kSequenceWeight = 0.05;

// Starts from EPLB with the same replicas and swaps two slots of different groups as long as that
// raises the value of the pairs and keeps the balance:
//   value = sum over slot pairs on one group of v + kNodeWeight sum over pairs on one node of v,
//   v = (tokens that chose both experts - kSequenceWeight covariance over sequences) /
//       (replicas of one * replicas of the other)
// Replicas of one expert stay on different groups where EPLB put them so; router groups that are
// kept on nodes stay there. Requires: as place_eplb.
LayerPlacement place_coactivation(const ExpertProfile& profile, const PlacementShape& shape);

}  // namespace moesim
