#include "models/placement/group_matching.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "models/placement/expert_moves.h"

namespace moesim {
namespace {

using Slots = std::vector<std::int32_t>;

Slots matched(const Slots& before, const Slots& after, std::int64_t experts, std::int64_t groups,
              std::int64_t nodes = 1) {
  return matched_groups(placement_of_slots(before, experts, groups),
                        placement_of_slots(after, experts, groups), nodes)
      .expert_of_slot;
}

TEST(GroupMatching, GroupsThatOnlyChangedNamesStay) {
  EXPECT_EQ(matched({0, 1, 2, 3, 4, 5}, {4, 5, 0, 1, 2, 3}, 6, 3), (Slots{0, 1, 2, 3, 4, 5}));
}

TEST(GroupMatching, KeepsTheMostExpertsInAll) {
  EXPECT_EQ(matched({0, 1, 2, 3, 4, 5}, {0, 1, 3, 2, 4, 5}, 6, 2), (Slots{0, 1, 3, 2, 4, 5}));
  EXPECT_EQ(matched({0, 1, 2, 3, 4, 5}, {3, 4, 0, 1, 2, 5}, 6, 2), (Slots{1, 2, 5, 3, 4, 0}));
}

// Without nodes groups {0, 1} and {4, 5} go back to where they were, each to another node.
TEST(GroupMatching, NodesStayWhole) {
  const Slots before = {0, 1, 2, 3, 4, 5, 6, 7}, after = {4, 5, 0, 1, 6, 7, 2, 3};
  EXPECT_EQ(matched(before, after, 8, 4), before);
  Slots first = matched(before, after, 8, 4, 2);
  first.resize(4);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (first[0] == 0 ? Slots{0, 1, 4, 5} : Slots{2, 3, 6, 7}));
}

TEST(GroupMatching, WholeNodesChangePlaces) {
  const Slots before = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(matched(before, {6, 7, 4, 5, 2, 3, 0, 1}, 8, 4, 2), before);
}

// Of all orders of four groups none needs fewer moves.
TEST(GroupMatching, NoOrderMovesLess) {
  RandomStream random(1, "matching test");
  for (int round = 0; round < 20; ++round) {
    Slots before = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3}, after = before;
    for (Slots* slots : {&before, &after}) {
      for (std::size_t i = 12; i > 1; --i) std::swap((*slots)[i - 1], (*slots)[random.below(i)]);
    }
    const auto moves = [&](const Slots& slots) {
      return expert_moves(placement_of_slots(before, 8, 4), placement_of_slots(slots, 8, 4), 4)
          .size();
    };
    std::vector<std::size_t> order = {0, 1, 2, 3};
    std::size_t fewest = 12;
    do {
      Slots renamed;
      for (const std::size_t group : order) {
        renamed.insert(renamed.end(), after.begin() + static_cast<std::ptrdiff_t>(3 * group),
                       after.begin() + static_cast<std::ptrdiff_t>(3 * group + 3));
      }
      fewest = std::min(fewest, moves(renamed));
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(moves(matched(before, after, 8, 4)), fewest) << round;
  }
}

}  // namespace
}  // namespace moesim
