// The ways in which partial sums of the members of a group become their sum on every member.
#pragma once

#include <array>
#include <cstddef>

#include "base/enum_array.h"

namespace moesim {

enum class AllReduce {
  kAuto,      // Whichever of the others is fastest for the bytes at hand.
  kRing,      // Of the library (NCCL): rings inside and between nodes.
  kTree,      // Rings inside nodes, a double binary tree between them.
  kNvls,      // Reduced in the switch inside nodes, a ring between them.
  kNvlsTree,  // The same with a double binary tree.
  kOneShot,   // An engine's own kernel: everybody sends all to everybody.
  kTwoShot,   // The same, in pieces: reduce-scatter, then all-gather.
};

// As scenarios and reports call them.
inline constexpr std::array kAllReduces = {"auto",      "ring",     "tree",    "nvls",
                                           "nvls_tree", "one_shot", "two_shot"};
inline constexpr std::size_t kNumAllReduces = kAllReduces.size();
template <>
inline constexpr std::size_t kNumEnumerators<AllReduce> = kNumAllReduces;

}  // namespace moesim
