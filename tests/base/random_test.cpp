#include "base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace moesim {
namespace {

TEST(RandomStream, SameSeedAndNameGiveTheSameNumbers) {
  RandomStream a(7, "arrivals"), b(7, "arrivals");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a(), b());
}

// Numbers of reports rest on these: another hash of names would move them all.
TEST(RandomStream, KeepsItsNumbersFromReleaseToRelease) {
  EXPECT_EQ(text_hash("a"), 0xaf63dc4c8601ec8cULL);  // Source: FNV-1a, 64 bit, test vectors.
  using Three = std::array<std::uint64_t, 3>;
  const auto first = [](std::uint64_t seed, const char* name) {
    RandomStream random(seed, name);
    return Three{random(), random(), random()};
  };
  EXPECT_EQ(first(0, "arrivals"),
            (Three{0x62d22233002fe461, 0x59f4bd41047641ba, 0x9ef5bd14adef4244}));
  EXPECT_EQ(first(1, "arrivals"),
            (Three{0xa4d7f7c352c73678, 0xd331697a1888976a, 0x2c8d9e3fc556502b}));
  EXPECT_EQ(first(1, "lengths"),
            (Three{0x3fd370dacd83f7e4, 0x02f484e873a82884, 0xb3b5115510cbd364}));
  EXPECT_EQ(first(42, ""), (Three{0xab548b2e53f106f4, 0xad1ce680e94a4896, 0xb638c8e9d6327f3f}));
}

TEST(RandomStream, AnotherNameOrSeedGivesOtherNumbers) {
  EXPECT_NE(RandomStream(7, "arrivals")(), RandomStream(7, "lengths")());
  EXPECT_NE(RandomStream(7, "arrivals")(), RandomStream(8, "arrivals")());
}

TEST(RandomStream, UniformHasMeanOneHalf) {
  RandomStream random(1, "test");
  double sum = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) sum += random.uniform();
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);  // Five standard deviations.
}

TEST(RandomStream, BelowReachesEveryValueAndNoOther) {
  RandomStream random(1, "test");
  int seen[3] = {};
  for (int i = 0; i < 300; ++i) ++seen[random.below(3)];
  for (const int count : seen) EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace moesim
