// The words that scenario files and the command line use for routing, placement and dispatch, each
// list in the order of its enumeration.
#pragma once

#include <array>

namespace moesim::names {

inline constexpr std::array kTokenPolicies = {"calibrated", "balanced", "uniform",
                                              "power_law",  "trained",  "recorded"};
inline constexpr std::array kScores = {"softmax", "sigmoid", "sqrt_softplus", "one"};
inline constexpr std::array kOrders = {"score_then_top_k", "top_k_then_score"};
inline constexpr std::array kRules = {
    "top_k",        "hash",          "random_second",       "noisy_top_k",
    "sparse_mixer", "expert_choice", "balanced_assignment", "sinkhorn",
    "quantile"};
inline constexpr std::array kGroupScores = {"sum_of_two_largest", "largest", "sum_of_kept_share"};
inline constexpr std::array kGroupMasks = {"minus_infinity", "zero"};
inline constexpr std::array kDropPolicies = {"by_weight", "by_position"};
inline constexpr std::array kPlacements = {"linear", "round_robin", "eplb", "coactivation"};
inline constexpr std::array kScopes = {"auto", "hierarchical", "global"};
inline constexpr std::array kReplicaChoices = {"dynamic", "static"};
inline constexpr std::array kProfiles = {"held_out", "served"};
inline constexpr std::array kBatching = {"mixed", "prefill_first"};
inline constexpr std::array kSampling = {"greedy", "random", "top_p"};
inline constexpr std::array kDispatch = {"auto", "normal", "low_latency", "all_gather",
                                         "all_to_all"};
inline constexpr std::array kTwins = {"active", "total", "memory", "quality"};
inline constexpr std::array kCombine = {"bf16", "logfmt10"};

// The word for a value of the enumeration.
template <class Words, class Enum>
constexpr const char* word(const Words& words, Enum value) {
  return words[static_cast<std::size_t>(value)];
}

}  // namespace moesim::names
