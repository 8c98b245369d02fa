// Algorithms of all-reduce: every member of a group gets the sum over all members.
#pragma once

#include "base/words.h"

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
template <>
inline constexpr auto kWords<AllReduce> = enum_words<AllReduce>({
    {AllReduce::kAuto, "auto"},
    {AllReduce::kRing, "ring"},
    {AllReduce::kTree, "tree"},
    {AllReduce::kNvls, "nvls"},
    {AllReduce::kNvlsTree, "nvls_tree"},
    {AllReduce::kOneShot, "one_shot"},
    {AllReduce::kTwoShot, "two_shot"},
});

}  // namespace moesim
