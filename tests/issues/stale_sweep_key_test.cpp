// The key of a sweep's result follows every file that was read for it. Keys once guessed these
// files from the texts of YAML files whose names end in .yaml, and missed the rest.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/data_folder.h"
#include "base/document.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/scenarios/temporary_file.h"

namespace moesim {
namespace {

const std::string kNode =
    "title: Mine\n"
    "device: my-gpu\n"
    "devices: {value: 8, source: s, confidence: assumption}\n"
    "host_idle: {value: 100 W, source: s, confidence: assumption}\n"
    "host_busy: {value: 200 W, source: s, confidence: assumption}\n"
    "psu_efficiency: {value: 0.9, source: s, confidence: assumption}\n";

const std::string kSweep =
    changed(kDense, "dgx-h100", "./node.yml") + "sweep: {a.parallel.tp: [1]}\n";

std::string shipped_device(const std::string& name) {
  return read_file(data_folder("hardware/profiles") + "/devices/" + name + ".yaml");
}

std::string key_of(const std::string& file) {
  return read_scenario(file, {}).cases.at(0).key;
}

TEST(StaleSweepKey, FollowsTheDeviceThatANodeProfileNames) {
  const TemporaryFile scenario("s.yaml", kSweep);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(scenario.folder() + "/" + name) << text;
  };
  write("node.yml", kNode);
  write("my-gpu.yaml", shipped_device("h100-sxm-80gb"));
  const std::string before = key_of(scenario.path());
  EXPECT_EQ(key_of(scenario.path()), before);
  write("my-gpu.yaml", shipped_device("l4-24gb"));
  EXPECT_NE(key_of(scenario.path()), before);
}

// The same scenario with the same files has the same results wherever it lies.
TEST(StaleSweepKey, IsTheSameInAnotherFolder) {
  const auto key_in = [](const std::string& folder) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/s.yaml") << kSweep;
    std::ofstream(folder + "/node.yml") << kNode;
    std::ofstream(folder + "/my-gpu.yaml") << shipped_device("h100-sxm-80gb");
    return key_of(folder + "/s.yaml");
  };
  const TemporaryFile place("unused", "");
  EXPECT_EQ(key_in(place.folder() + "/a"), key_in(place.folder() + "/b/c"));
}

}  // namespace
}  // namespace moesim
