// Every enum that files name has one word for each value, and every word reads back as that value.
#include "base/words.h"

#include <gtest/gtest.h>

#include "base/document.h"
#include "base/dtype.h"

namespace moesim {
namespace {

enum class Size { kSmall, kLarge, kHuge };

}  // namespace

template <>
inline constexpr auto kWords<Size> = enum_words<Size>({
    {Size::kSmall, "small"},
    {Size::kLarge, "large"},
    {Size::kHuge, "huge"},
});

namespace {

TEST(Words, OfAnEnumStandInItsOrderAndReadBack) {
  EXPECT_EQ(words_of<Size>(), (std::vector<std::string>{"small", "large", "huge"}));
  EXPECT_STREQ(word_of(Size::kLarge), "large");
  EXPECT_EQ(from_word<Size>("huge"), Size::kHuge);
  EXPECT_EQ(from_word<Size>("tiny"), std::nullopt);
  EXPECT_EQ(kNumWords<Size>, 3u);
}

TEST(Words, KnowWhetherAValueHasAName) {
  static_assert(is_enumerator<Size::kHuge>());
  static_assert(!is_enumerator<static_cast<Size>(3)>());
  static_assert(!Worded<int>);
}

TEST(Words, OfAValueAreRefusedWithThoseThatAreAllowed) {
  Faults faults;
  const Value value(YAML::Load("hgue"), "file.yaml", "size", &faults);
  EXPECT_EQ(value.word<Size>(), std::nullopt);
  const std::array only = {Size::kSmall, Size::kLarge};
  EXPECT_EQ(value.word<Size>(only), std::nullopt);
  ASSERT_EQ(faults.all().size(), 2u);
  EXPECT_EQ(faults.all()[0].allowed, "one of small, large, huge expected; did you mean huge?");
  EXPECT_EQ(faults.all()[1].allowed, "one of small, large expected");
}

TEST(Words, OfFormatsReadBack) {
  for (const Dtype dtype : kAllDtypes) EXPECT_EQ(from_word<Dtype>(word_of(dtype)), dtype);
}

}  // namespace
}  // namespace moesim
