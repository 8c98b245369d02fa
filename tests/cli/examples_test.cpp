// `moesim examples`: the shipped questions come out whole, and over nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cli/outcome.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

std::size_t shipped_scenarios() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("scenarios")) {
    count += entry.path().extension() == ".yaml" ? 1 : 0;
  }
  return count;
}

TEST(Examples, ListNamesEachWithItsQuestionAndWritesNothing) {
  const Workplace place;
  const Outcome outcome = place.run({"examples", "--list"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "which-gpu\n    Which GPU serves a large MoE for the least "));
  const auto lines = std::count(outcome.out.begin(), outcome.out.end(), '\n');
  EXPECT_EQ(static_cast<std::size_t>(lines), 2 * shipped_scenarios());
  EXPECT_EQ(place.names(), std::vector<std::string>{});
}

TEST(Examples, ACopyIsCompleteAndValid) {
  const Workplace place;
  const Outcome outcome = place.run({"examples"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "moesim-examples/quickstart.yaml\n    Is Mixtral"));
  EXPECT_TRUE(contains(outcome.out, "moesim-examples/data/chat.csv\n"));
  EXPECT_EQ(place.names("moesim-examples").size(), shipped_scenarios() + 1);  // And data.
  for (const std::string& name : place.names("moesim-examples")) {
    if (!name.ends_with(".yaml")) continue;
    EXPECT_EQ(place.read("moesim-examples/" + name), file_text(fs::path("scenarios") / name));
  }
  // It reads data/chat.csv beside itself.
  EXPECT_EQ(place.run({"check", "moesim-examples/quickstart.yaml"}).code, 0);
}

TEST(Examples, GoIntoTheFolderThatIsNamed) {
  const Workplace place;
  EXPECT_EQ(place.run({"examples", "below/mine"}).code, 0);
  EXPECT_EQ(place.names(), std::vector<std::string>{"below"});
  EXPECT_EQ(place.names("below/mine").size(), shipped_scenarios() + 1);
}

TEST(Examples, NeverOverwrite) {
  const Workplace place;
  fs::create_directory(place.path("mine"));
  place.write("mine/which-gpu.yaml", "my own");
  place.write("mine/workstation.yaml", "my own");
  const Outcome outcome = place.run({"examples", "mine"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.err, "mine/which-gpu.yaml: is there already")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "mine/workstation.yaml: is there already")) << outcome.err;
  EXPECT_EQ(place.read("mine/which-gpu.yaml"), "my own");
  EXPECT_EQ(place.names("mine").size(), 2u);  // Nothing else was written.
  place.write("file", "");
  expect_refusal(place, {"examples", "file"}, 1, "file");
}

}  // namespace
}  // namespace moesim
