// The key of a sweep's result follows every file that was read for it. Keys once guessed these
// files from the texts of YAML files whose names end in .yaml, and missed the rest.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/data_folder.h"
#include "base/document.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/temporary_file.h"

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

void write(const std::string& file, const std::string& text) {
  std::ofstream(file) << text;
}

// A change of the device that node.yml names changes the key, in this folder.
void expect_to_follow_the_device(const std::string& folder) {
  write(folder + "/s.yaml", kSweep);
  write(folder + "/node.yml", kNode);
  write(folder + "/my-gpu.yaml", shipped_device("h100-sxm-80gb"));
  const std::string before = key_of(folder + "/s.yaml");
  EXPECT_EQ(key_of(folder + "/s.yaml"), before);
  write(folder + "/my-gpu.yaml", shipped_device("l4-24gb"));
  EXPECT_NE(key_of(folder + "/s.yaml"), before);
}

TEST(StaleSweepKey, FollowsTheDeviceThatANodeProfileNames) {
  const TemporaryFile place("unused", "");
  expect_to_follow_the_device(place.folder());
}

// The source tree has the shipped data, and often files of the user's own as well.
TEST(StaleSweepKey, FollowsAUsersFilesInTheSourceTree) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(data_root()) / "out" / ("stale-" + std::to_string(getpid()));
  fs::create_directories(folder);
  expect_to_follow_the_device(folder.string());
  fs::remove_all(folder);
}

// Formats may be told in a file beside the config, which was not there before.
TEST(StaleSweepKey, FollowsAFileThatComesLater) {
  const TemporaryFile place("model/config.json",
                            read_file(data_folder("models/catalog") + "/qwen3-30b-a3b.json"));
  write(place.folder() + "/s.yaml",
        changed(kDense, "qwen3-8b", "./model") + "sweep: {a.parallel.tp: [1]}\n");
  const std::string before = key_of(place.folder() + "/s.yaml");
  write(place.folder() + "/model/hf_quant_config.json",
        R"({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}})");
  EXPECT_NE(key_of(place.folder() + "/s.yaml"), before);
}

// The same scenario with the same files has the same results wherever it lies.
TEST(StaleSweepKey, IsTheSameInAnotherFolder) {
  const auto key_in = [](const std::string& folder) {
    std::filesystem::create_directories(folder);
    write(folder + "/s.yaml", kSweep);
    write(folder + "/node.yml", kNode);
    write(folder + "/my-gpu.yaml", shipped_device("h100-sxm-80gb"));
    return key_of(folder + "/s.yaml");
  };
  const TemporaryFile place("unused", "");
  EXPECT_EQ(key_in(place.folder() + "/a"), key_in(place.folder() + "/b/c"));
}

}  // namespace
}  // namespace moesim
