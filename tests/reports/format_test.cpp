#include "reports/render/words/format.h"

#include <gtest/gtest.h>

#include "reports/render/text/text_table.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

TEST(Readable, KeepsThreeDigits) {
  EXPECT_EQ(readable_number(0.21), "0.210");
  EXPECT_EQ(readable_number(12.34), "12.3");
  EXPECT_EQ(readable_number(9.994), "9.99");
  EXPECT_EQ(readable_number(9.996), "10.0");
  EXPECT_EQ(readable_number(999.4), "999");
  EXPECT_EQ(readable_number(999.6), "1,000");
  EXPECT_EQ(readable_number(1234567), "1,234,567");
  EXPECT_EQ(readable_number(-1234), "-1,234");
  EXPECT_EQ(readable_number(0), "0");
}

TEST(Readable, ChoosesThePrefix) {
  EXPECT_EQ(readable(1.5e9, "B"), "1.50 GB");
  EXPECT_EQ(readable(999.7e6, "B"), "1.00 GB");
  EXPECT_EQ(readable(0.0456, "s"), "45.6 ms");
  EXPECT_EQ(readable(120, "s"), "120 s");
  EXPECT_EQ(readable(1500, "W"), "1.50 kW");
  EXPECT_EQ(readable(0, "B"), "0 B");
}

TEST(Readable, SaysSharesInPercentAndFlagsInWords) {
  EXPECT_EQ(readable(0.1234, "share"), "12.3 %");
  EXPECT_EQ(readable(1, "0/1"), "yes");
  EXPECT_EQ(readable(0.21, "USD"), "0.210 USD");
  EXPECT_EQ(readable(12'300, "token/s"), "12,300 tokens/s");
  EXPECT_EQ(readable(671e9, "count"), "671 G");
}

TEST(ExactNumber, ReadsBackAsTheSameDouble) {
  for (const double value : {0.1, 0.1 + 0.2, 1e300, 1e-300, 123456789.125})
    EXPECT_EQ(std::stod(exact_number(value)), value);
}

TEST(ShortPaths, KeepWholePathsThatWouldBeTheSame) {
  EXPECT_EQ(short_paths({"moe.model.top_k", "moe.parallel.ep"}),
            (std::vector<std::string>{"top_k", "ep"}));
  EXPECT_EQ(short_paths({"a.ep", "b.ep"}), (std::vector<std::string>{"a.ep", "b.ep"}));
}

TEST(Printable, TakesControlCharactersOut) {
  EXPECT_EQ(printable("a\x1b[31mb\nc"), "a [31mb c");
}

TEST(TextTable, StaysWithinTheWidthByBlocks) {
  const std::vector<std::string> row = {"label", "one two three", "four five six", "seven eight"};
  const std::string text = render({{"", "a", "b", "c"}, {row}}, 40);
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = text.find('\n', start);
    EXPECT_LE(end - start, 40u);
    start = end + 1;
  }
  for (const char* word : {"one", "three", "six", "eight"})
    EXPECT_NE(text.find(word), std::string::npos) << word;
}

TEST(TextTable, CountsCodePointsAndNotBytes) {
  EXPECT_EQ(text_width("Zürich"), 6);
}

}  // namespace
}  // namespace moesim
