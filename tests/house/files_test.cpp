// How long a source and its functions may be, and what no source cites.
#include <gtest/gtest.h>

#include "tests/house/sources.h"

namespace moesim::house {
namespace {

constexpr std::size_t kMostLinesOfAFile = 500;
constexpr std::size_t kMostLinesOfAFunction = 60;

struct Block {
  std::size_t first = 0;  // Line, from 0.
  std::size_t lines = 0;
};

// Blocks that end with a lone '}' `indent` columns in, as clang-format sets functions of a
// namespace (0) or a class (2); a signature counts.
std::vector<Block> blocks_at(const std::vector<std::string>& lines, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::vector<Block> blocks;
  std::size_t first = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line == margin + "}") blocks.push_back({first, i - first + 1});
    const bool opens = line.size() > indent && line.rfind(margin, 0) == 0 && line[indent] != ' ' &&
                       line[indent] != '/' && line[indent] != '}';
    if (opens) first = i;
  }
  return blocks;
}

TEST(Files, HaveAtMost500Lines) {
  for (const fs::path& file : sources()) {
    EXPECT_LE(lines_of(file).size(), kMostLinesOfAFile) << file;
  }
}

TEST(Files, HaveFunctionsOfAtMost60Lines) {
  std::size_t functions = 0;
  for (const fs::path& file : sources()) {
    const std::vector<std::string> lines = lines_of(file);
    for (const std::size_t indent : {0u, 2u}) {
      for (const Block& block : blocks_at(lines, indent)) {
        ++functions;
        EXPECT_LE(block.lines, kMostLinesOfAFunction)
            << file << ":" << block.first + 1 << ": " << lines[block.first];
      }
    }
  }
  EXPECT_GT(functions, 1000u);
}

TEST(Files, MeasureFunctionsWithTheirSignature) {
  const std::vector<Block> blocks = blocks_at({"namespace {", "int f(int a,", "      int b) {",
                                               "  return a + b;", "}", "", "}  // namespace"},
                                              0);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].first, 1u);
  EXPECT_EQ(blocks[0].lines, 4u);
}

// Papers and docs/ are there for every reader; a folder beside the project is not.
TEST(Files, CiteNothingOutsideTheProject) {
  std::string citing;
  for (const fs::path& file : sources()) {
    const std::vector<std::string> lines = lines_of(file);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].find("../shared") == std::string::npos) continue;
      citing += file.string() + ":" + std::to_string(i + 1) + ":" + lines[i] + "\n";
    }
  }
  EXPECT_EQ(citing, "");
}

}  // namespace
}  // namespace moesim::house
