// Algorithms of all-reduce: every member of a group gets the sum over all members.
#pragma once

#include <array>
#include <cstddef>

#include "base/enum_array.h"

namespace moesim {

enum class AllReduce {
  kAuto,      // The fastest of the others for the size of the buffer.
  kRing,      // Library (NCCL): rings inside and between nodes.
  kTree,      // Library: rings inside nodes, a double binary tree between them.
  kNvls,      // Library: reduction in the switch inside nodes, a ring between them.
  kNvlsTree,  // Library: reduction in the switch, a double binary tree between nodes.
  kOneShot,   // Engine's own kernel: every member sends its whole buffer to every other.
  kTwoShot,   // Engine's own kernel: reduce-scatter, then all-gather.
};

// Names in scenarios and reports.
inline constexpr std::array kAllReduces = {"auto",      "ring",     "tree",    "nvls",
                                           "nvls_tree", "one_shot", "two_shot"};
inline constexpr std::size_t kNumAllReduces = kAllReduces.size();
template <>
inline constexpr std::size_t kNumEnumerators<AllReduce> = kNumAllReduces;

}  // namespace moesim
