// The order of the rooms, and the files that may touch SimGrid and Boost.Graph.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kRooms = {"base", "hardware", "models",
                                         "sim",  "reports",  "scenarios"};

struct Include {
  std::string file;
  std::string target;
};

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const std::string& room : kRooms) {
    for (const auto& entry : fs::recursive_directory_iterator(room)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cpp") files.push_back(entry.path());
    }
  }
  return files;
}

std::vector<Include> includes() {
  static const std::regex pattern("^#include [<\"]([^>\"]+)[>\"]");
  std::vector<Include> found;
  for (const fs::path& file : sources()) {
    for (const std::string& line : lines_of(file)) {
      std::smatch match;
      if (std::regex_search(line, match, pattern)) found.push_back({file.string(), match[1]});
    }
  }
  return found;
}

std::ptrdiff_t room_rank(const std::string& path) {
  const auto found = std::find(kRooms.begin(), kRooms.end(), path.substr(0, path.find('/')));
  return found == kRooms.end() ? -1 : found - kRooms.begin();
}

TEST(Layering, ARoomIncludesOnlyRoomsToItsLeft) {
  ASSERT_GT(includes().size(), 100u);
  for (const Include& include : includes()) {
    EXPECT_LE(room_rank(include.target), room_rank(include.file))
        << include.file << " includes " << include.target;
  }
}

TEST(Layering, OnlyTheEngineKnowsSimGrid) {
  int seen = 0;
  for (const Include& include : includes()) {
    if (include.target.rfind("simgrid", 0) != 0) continue;
    ++seen;
    EXPECT_EQ(include.file.rfind("sim/events/", 0), 0u) << include.file;
  }
  EXPECT_GT(seen, 0);
}

TEST(Layering, OnlyTheTopologyKnowsBoostGraph) {
  int seen = 0;
  for (const Include& include : includes()) {
    if (include.target.rfind("boost/graph", 0) != 0) continue;
    ++seen;
    EXPECT_EQ(include.file.rfind("hardware/network/topology", 0), 0u) << include.file;
  }
  EXPECT_GT(seen, 0);
}

TEST(House, NoSourceFileIsLongerThan500Lines) {
  for (const fs::path& file : sources()) EXPECT_LE(lines_of(file).size(), 500u) << file;
}

}  // namespace
