#include "base/hash.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

// Source: xxHash 0.8, `xxhsum -H2` of nothing.
TEST(Hash, OfNothingIsThatOfTheReference) {
  EXPECT_EQ(hash_of("").text(), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, OfPiecesIsThatOfTheirConcatenation) {
  const std::string text(1000, 'x');
  Hasher pieces;
  for (int i = 0; i < 100; ++i) pieces.add("xxxxxxxxxx");
  EXPECT_EQ(pieces.hash(), hash_of(text));
  EXPECT_EQ(pieces.add("y").hash(), hash_of(text + "y"));
  EXPECT_NE(hash_of(text + "y"), hash_of(text));
}

}  // namespace
}  // namespace moesim
