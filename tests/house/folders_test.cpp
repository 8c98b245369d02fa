// The folders of a room: which may include which, and how much one may hold.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/house/sources.h"

namespace moesim::house {
namespace {

constexpr std::size_t kMostUnits = 16;

using Folders = std::set<std::string>;

// Folders that a folder's files include; a sub-folder and its parent are two folders.
class FolderGraph {
 public:
  explicit FolderGraph(const std::vector<Include>& includes) {
    for (const Include& include : includes) {
      const std::string from = fs::path(include.file).parent_path().string();
      const std::string to = fs::path(include.target).parent_path().string();
      if (from == to) continue;
      targets_[from].insert(to);
      reasons_.try_emplace({from, to}, include.file + " includes " + include.target);
    }
  }

  // The arrows between folders from which one comes back, each with one include behind it.
  std::string circles() const {
    std::string text;
    for (const auto& [arrow, reason] : reasons_) {
      if (reachable(arrow.second).contains(arrow.first)) {
        text += arrow.first + " -> " + arrow.second + ": " + reason + "\n";
      }
    }
    return text;
  }

 private:
  Folders reachable(const std::string& from) const {
    Folders seen;
    std::vector<std::string> open = {from};
    while (!open.empty()) {
      const auto next = targets_.find(open.back());
      open.pop_back();
      if (next == targets_.end()) continue;
      for (const std::string& folder : next->second) {
        if (seen.insert(folder).second) open.push_back(folder);
      }
    }
    return seen;
  }

  std::map<std::string, Folders> targets_;
  std::map<std::pair<std::string, std::string>, std::string> reasons_;
};

class EveryRoom : public testing::TestWithParam<std::string> {};

TEST_P(EveryRoom, HasNoCircleOfFolders) {
  std::vector<Include> own;
  for (const Include& include : includes_of(sources_of(GetParam()))) {
    if (include.target.rfind(GetParam() + "/", 0) == 0) own.push_back(include);
  }
  ASSERT_FALSE(own.empty());
  EXPECT_EQ(FolderGraph(own).circles(), "");
}

// A unit is a header, its source file, or both.
TEST_P(EveryRoom, HasAtMost16UnitsInAFolder) {
  std::map<std::string, Folders> units;
  for (const fs::path& file : sources_of(GetParam())) {
    units[file.parent_path().string()].insert(file.stem().string());
  }
  for (const auto& [folder, names] : units) EXPECT_LE(names.size(), kMostUnits) << folder;
}

INSTANTIATE_TEST_SUITE_P(House, EveryRoom, testing::ValuesIn(kRooms),
                         [](const auto& room) { return room.param; });

TEST(FolderGraph, FindsCirclesOverSeveralFoldersAndBetweenParentAndChild) {
  const Include ab = {"r/a/1.h", "r/b/1.h"}, bc = {"r/b/1.h", "r/c/1.h"};
  EXPECT_EQ(FolderGraph({ab, bc}).circles(), "");
  const std::string circle = FolderGraph({ab, bc, {"r/c/1.cpp", "r/a/2.h"}}).circles();
  EXPECT_NE(circle.find("r/c -> r/a: r/c/1.cpp includes r/a/2.h"), std::string::npos) << circle;
  EXPECT_NE(circle.find("r/a -> r/b"), std::string::npos) << circle;
  EXPECT_NE(FolderGraph({{"r/a/1.h", "r/a/in/1.h"}, {"r/a/in/2.h", "r/a/2.h"}}).circles(), "");
}

}  // namespace
}  // namespace moesim::house
