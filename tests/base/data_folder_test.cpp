#include "base/data_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/input_error.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

class DataFolder : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override {
    unsetenv("MOESIM_DATA");
    fs::remove_all(folder_);
  }

  // A folder with all kinds of data and a model of its own.
  std::string made(const std::string& name) const {
    const fs::path root = folder_ / name;
    for (const char* kind : {"models/catalog", "hardware/profiles", "sim/engines"}) {
      fs::create_directories(root / kind);
    }
    std::ofstream(root / "models/catalog/mine.json") << "{}";
    return root.string();
  }
  std::string refusal() const {
    try {
      return data_folder("models/catalog");
    } catch (const InputError& error) {
      return error.what();
    }
  }

  fs::path folder_ =
      fs::path(testing::TempDir()) / ("moesim-data-folder-" + std::to_string(getpid()));
};

TEST_F(DataFolder, OfAProgramInABuildFolderIsTheSourceTree) {
  EXPECT_EQ(data_root(), fs::canonical(".").string());
}

TEST_F(DataFolder, IsThatOfTheEnvironmentInEitherLayout) {
  for (const std::string& root : {made("tree"), made("prefix/share/moesim")}) {
    setenv("MOESIM_DATA", (root + "/").c_str(), 1);
    EXPECT_EQ(data_root(), root);
    setenv("MOESIM_DATA", root.c_str(), 1);
    EXPECT_EQ(data_folder("models/catalog"), root + "/models/catalog");
    EXPECT_EQ(file_stems(data_folder("models/catalog"), ".json"), std::vector<std::string>{"mine"});
  }
}

TEST_F(DataFolder, IsRefusedByNameIfItLacksAKind) {
  const std::string root = made("old");
  fs::remove_all(root + "/sim");
  setenv("MOESIM_DATA", root.c_str(), 1);
  EXPECT_EQ(refusal(), "MOESIM_DATA: " + root +
                           ": has no sim/engines; a source tree of moesim or the share/moesim of "
                           "an installation expected");
}

}  // namespace
}  // namespace moesim
