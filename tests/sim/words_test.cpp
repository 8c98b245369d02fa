// Every enum of models, hardware and deployments that files name: each word reads back as its
// value.
#include <gtest/gtest.h>

#include "models/spec/dense_twin.h"
#include "sim/deployment/deployment.h"

namespace moesim {
namespace {

template <class Enum>
class WordsOf : public testing::Test {};

using Enums =
    testing::Types<LinkWiring, FabricKind, FabricRouting, ScoreFunction, SelectionOrder, GroupScore,
                   GroupMask, SelectionRule, DropPolicy, TokenPolicy, PlacementPolicy, EplbScope,
                   ReplicaChoice, PlacementProfile, Sampling, TwinMatch, CombineFormat, PoolRule,
                   DispatchPolicy, AllReduce, FaultPart, Dtype, const BatchPolicy*>;
TYPED_TEST_SUITE(WordsOf, Enums);

TYPED_TEST(WordsOf, ReadBackAsTheirValues) {
  for (const std::string& word : words_of<TypeParam>()) {
    const auto value = from_word<TypeParam>(word);
    ASSERT_TRUE(value) << word;
    EXPECT_EQ(word_of(*value), word);
  }
  EXPECT_EQ(from_word<TypeParam>("no such word"), std::nullopt);
}

// The values that words of scenario files stand for, read off their meaning.
TEST(Words, StandForWhatTheySay) {
  EXPECT_EQ(from_word<GroupMask>("zero"), GroupMask::kZero);
  EXPECT_EQ(from_word<DropPolicy>("by_position"), DropPolicy::kByPosition);
  EXPECT_EQ(from_word<PoolRule>("static_fraction"), PoolRule::kStaticFraction);
  EXPECT_EQ(from_word<DispatchPolicy>("low_latency"), DispatchPolicy::kLowLatency);
  EXPECT_EQ(from_word<LinkWiring>("tree"), LinkWiring::kTree);
}

}  // namespace
}  // namespace moesim
