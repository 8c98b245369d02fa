#include "models/placement/expert_moves.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace moesim {
namespace {

using Moves = std::vector<ExpertMove>;

TEST(ExpertMoves, NothingMovesWhereNothingChanges) {
  const LayerPlacement placement = place_linear(16, 4, 4);
  EXPECT_TRUE(expert_moves(placement, placement, 2).empty());
}

// Slots of one group may change places for free.
TEST(ExpertMoves, OrderInsideAGroupIsFree) {
  EXPECT_TRUE(expert_moves(placement_of_slots({0, 1, 2, 3}, 4, 2),
                           placement_of_slots({1, 0, 3, 2}, 4, 2), 2)
                  .empty());
}

TEST(ExpertMoves, TwoExpertsThatChangePlacesMoveOnceEach) {
  EXPECT_EQ(expert_moves(placement_of_slots({0, 1, 2, 3}, 4, 2),
                         placement_of_slots({2, 1, 0, 3}, 4, 2), 2),
            (Moves{{2, 1, 0}, {0, 0, 1}}));
}

// Expert 0 lies on groups 0 and 3 of two nodes; new copies for groups 1 and 2 come from their own
// nodes.
TEST(ExpertMoves, CopiesComeFromTheSameNode) {
  EXPECT_EQ(expert_moves(placement_of_slots({0, 1, 2, 0}, 3, 4),
                         placement_of_slots({1, 0, 0, 2}, 3, 4), 2),
            (Moves{{1, 1, 0}, {0, 0, 1}, {0, 3, 2}, {2, 2, 3}}));
}

// Two holders outside the node share the sending.
TEST(ExpertMoves, SendersTakeTurns) {
  EXPECT_EQ(expert_moves(placement_of_slots({0, 0, 1, 2}, 3, 4),
                         placement_of_slots({1, 2, 0, 0}, 3, 4), 2),
            (Moves{{1, 2, 0}, {2, 3, 1}, {0, 0, 2}, {0, 1, 3}}));
}

// Two copies on one group are one transfer: the second is made there.
TEST(ExpertMoves, AnExpertTravelsOnceToAGroup) {
  EXPECT_EQ(expert_moves(placement_of_slots({0, 1, 2, 0}, 3, 2),
                         placement_of_slots({0, 2, 1, 1}, 3, 2), 2),
            (Moves{{2, 1, 0}, {1, 0, 1}}));
}

}  // namespace
}  // namespace moesim
