// An installation in a folder of its own: it has its data beside it and needs no source tree.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/cli/outcome.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

class Installed : public testing::Test {
 protected:
  // Once for all tests: it copies every file.
  static void SetUpTestSuite() {
    place_ = std::make_unique<Workplace>();
    const std::string command = std::string(MOESIM_CMAKE) + " --install " + MOESIM_BUILD +
                                " --prefix " + place_->path("usr") + " > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { place_.reset(); }

  static std::string below(const std::string& path) { return place_->path("usr/" + path); }
  static Outcome run(const std::vector<std::string>& arguments) {
    return place_->finish(place_->start(arguments, {}, below("bin/moesim")));
  }

  static inline std::unique_ptr<Workplace> place_;
};

TEST_F(Installed, QuestionsAreThereAndRead) {
  const Outcome check = run({"check", below("share/moesim/scenarios/quickstart.yaml")});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(check.out, Workplace().run({"check", fs::absolute("scenarios/quickstart.yaml")}).out);
}

TEST_F(Installed, AModelIsFoundOnceItLiesInTheCatalog) {
  EXPECT_FALSE(contains(run({"list", "models"}).out, "my-own-model"));
  const std::string catalog = below("share/moesim/models/catalog/");
  fs::copy_file(catalog + "qwen3-8b.json", catalog + "my-own-model.json");
  EXPECT_TRUE(contains(run({"list", "models"}).out, "my-own-model"));
}

TEST_F(Installed, HasEveryFileOfDataThatTheSourceTreeHas) {
  for (const char* room : {"hardware", "models", "sim"}) {
    for (const auto& entry : fs::recursive_directory_iterator(room)) {
      if (entry.path().extension() != ".yaml" && entry.path().extension() != ".json") continue;
      EXPECT_TRUE(fs::exists(below("share/moesim/" + entry.path().string()))) << entry.path();
    }
  }
}

TEST_F(Installed, FolderOfDataMayBeNamedOrIsRefused) {
  setenv("MOESIM_DATA", below("share/moesim").c_str(), 1);
  EXPECT_EQ(Workplace().run({"list", "models"}).code, 0);
  setenv("MOESIM_DATA", below("share").c_str(), 1);
  const Outcome refused = Workplace().run({"list", "models"});
  unsetenv("MOESIM_DATA");
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, "MOESIM_DATA: " + below("share") + ": has no models/catalog"));
}

}  // namespace
}  // namespace moesim
