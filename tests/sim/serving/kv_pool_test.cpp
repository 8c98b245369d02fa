#include "sim/serving/kv_pool.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace moesim {
namespace {

TEST(KvPool, RoundsTokensUpToBlocks) {
  const KvPool pool(10, {.tokens = 16});
  EXPECT_EQ(pool.blocks_for(0), 0);
  EXPECT_EQ(pool.blocks_for(1), 1);
  EXPECT_EQ(pool.blocks_for(16), 1);
  EXPECT_EQ(pool.blocks_for(17), 2);
}

// 784 tokens a block, one block of them at a time, and three blocks of states.
TEST(KvPool, PagesTheStatesOfASequence) {
  const KvPool pool(939, {.tokens = 784, .groups = 1, .states = 3});
  EXPECT_EQ(pool.blocks_for(1), 4);
  EXPECT_EQ(pool.blocks_for(784), 4);
  EXPECT_EQ(pool.blocks_for(785), 5);
}

TEST(KvPool, GivesAllBlocksOrNone) {
  KvPool pool(10, {.tokens = 16});
  EXPECT_TRUE(pool.allocate(7));
  EXPECT_FALSE(pool.allocate(4));
  EXPECT_EQ(pool.held(), 7);
  EXPECT_TRUE(pool.allocate(3));
  EXPECT_EQ(pool.free(), 0);
}

TEST(KvPool, ConservesBlocksAndRemembersThePeak) {
  KvPool pool(10, {.tokens = 16});
  pool.allocate(6);
  pool.release(5);
  pool.allocate(3);
  EXPECT_EQ(pool.allocated(), 9);
  EXPECT_EQ(pool.released(), 5);
  EXPECT_EQ(pool.allocated(), pool.released() + pool.held());
  EXPECT_EQ(pool.peak(), 6);
}

TEST(KvPool, RefusesToReleaseWhatNobodyHolds) {
  KvPool pool(10, {.tokens = 16});
  pool.allocate(2);
  EXPECT_THROW(pool.release(3), std::logic_error);
  EXPECT_THROW(KvPool(0, {.tokens = 16}), std::invalid_argument);
}

}  // namespace
}  // namespace moesim
