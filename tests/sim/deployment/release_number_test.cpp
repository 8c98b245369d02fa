#include "sim/deployment/release_number.h"

#include <gtest/gtest.h>

namespace moesim {
namespace {

ReleaseNumber number(std::string_view text) {
  return ReleaseNumber::of(text);
}

TEST(ReleaseNumber, IsWhatAReleaseBeginsWith) {
  EXPECT_EQ(number("1.2.0rc6.post3").parts, (std::vector<int>{1, 2, 0}));
  EXPECT_EQ(number("v0.10.1.1").parts, (std::vector<int>{0, 10, 1, 1}));
  EXPECT_EQ(number("0.6.x").parts, (std::vector<int>{0, 6}));
  EXPECT_TRUE(number("latest").empty());
}

TEST(ReleaseNumber, TenComesAfterNine) {
  EXPECT_TRUE(number("0.9.2").before(number("0.10")));
  EXPECT_FALSE(number("0.10").before(number("0.9.2")));
  EXPECT_TRUE(number("0.21").before(number("1.0rc3")));
}

TEST(ReleaseNumber, AShortOneHoldsItsPatches) {
  EXPECT_TRUE(number("0.8.5").is_part_of(number("0.8")));
  EXPECT_FALSE(number("0.8").is_part_of(number("0.8.5")));
  EXPECT_FALSE(number("0.5").before(number("0.5.9")));
  EXPECT_FALSE(number("0.5.9").before(number("0.5")));
}

TEST(Months, AreTwelve) {
  EXPECT_TRUE(is_month("2025-04") && is_month("2025-12"));
  EXPECT_FALSE(is_month("2025-13") || is_month("2025-00") || is_month("1998-04"));
  EXPECT_TRUE(looks_like_month("2025-13"));
  EXPECT_FALSE(looks_like_month("0.8.5"));
}

}  // namespace
}  // namespace moesim
