// The order of the rooms, and the files that may touch SimGrid, Boost.Graph and CLI11.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/house/sources.h"

namespace moesim::house {
namespace {

std::ptrdiff_t room_rank(const std::string& path) {
  const auto found = std::find(kRooms.begin(), kRooms.end(), path.substr(0, path.find('/')));
  return found == kRooms.end() ? -1 : found - kRooms.begin();
}

TEST(Layering, ARoomIncludesOnlyRoomsToItsLeft) {
  const std::vector<Include> includes = includes_of(sources());
  ASSERT_GT(includes.size(), 100u);
  for (const Include& include : includes) {
    EXPECT_LE(room_rank(include.target), room_rank(include.file))
        << include.file << " includes " << include.target;
  }
}

TEST(Layering, OnlyTheEngineKnowsSimGrid) {
  int seen = 0;
  for (const Include& include : includes_of(sources())) {
    if (include.target.rfind("simgrid", 0) != 0) continue;
    ++seen;
    EXPECT_EQ(include.file.rfind("sim/events/", 0), 0u) << include.file;
  }
  EXPECT_GT(seen, 0);
}

TEST(Layering, OnlyTheTopologyKnowsBoostGraph) {
  int seen = 0;
  for (const Include& include : includes_of(sources())) {
    if (include.target.rfind("boost/graph", 0) != 0) continue;
    ++seen;
    EXPECT_EQ(include.file.rfind("hardware/network/topology", 0), 0u) << include.file;
  }
  EXPECT_GT(seen, 0);
}

TEST(Layering, OnlyTheParserKnowsCli11) {
  int seen = 0;
  for (const Include& include : includes_of(sources())) {
    if (include.target.rfind("CLI/", 0) != 0) continue;
    ++seen;
    EXPECT_EQ(include.file, "scenarios/cli/parse.cpp");
  }
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace moesim::house
