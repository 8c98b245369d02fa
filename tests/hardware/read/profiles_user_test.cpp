#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, gone afterwards.
class UserProfiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("moesim_") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  // The shipped germany site with one piece of text replaced.
  std::string changed(const std::string& what, const std::string& by) const {
    std::string text = kSite;
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return write("site.yaml", text.replace(at, what.size(), by));
  }

  fs::path folder_;
  static constexpr const char* kSite =
      "title: A site\n"
      "pue: {value: 1.2, source: s, confidence: measured}\n"
      "carbon: {value: 380 gCO2e/kWh, source: s, confidence: data-sheet}\n"
      "electricity: {value: 0.2 USD/kWh, date: 2024, source: s, confidence: assumption}\n";
};

// The message of loading a site, without the file's name.
std::string refusal(const std::string& path) {
  try {
    load_site(path);
  } catch (const InputError& error) {
    std::string text = error.what();
    for (std::size_t at = text.find(path); at != std::string::npos; at = text.find(path)) {
      text.erase(at, path.size());
    }
    return text;
  }
  return "accepted";
}

TEST_F(UserProfiles, ARangeMustHoldItsValue) {
  const std::string outside = changed("pue: {value: 1.2,", "pue: {value: 1.2, range: [1.3, 1.5],");
  EXPECT_NE(refusal(outside).find("[low, high] around the value"), std::string::npos);
  const std::string single = changed("pue: {value: 1.2,", "pue: {value: 1.2, range: [1.1],");
  EXPECT_NE(refusal(single).find("[low, high] around the value"), std::string::npos);
}

TEST_F(UserProfiles, DrawsStayWithinTheStatedRange) {
  const std::string site = changed("pue: {value: 1.2,", "pue: {value: 1.2, range: [1.15, 1.3],");
  EXPECT_EQ(refusal(site), "accepted");
  for (std::int64_t sample = 1; sample <= 20; ++sample) {
    const double pue = load_site(site, {1, sample, 20}).pue;
    EXPECT_GE(pue, 1.15);
    EXPECT_LE(pue, 1.3);
  }
}

TEST_F(UserProfiles, AcceptTheUnchangedSite) {
  EXPECT_DOUBLE_EQ(load_site(changed("1.2", "1.3")).pue, 1.3);
}

TEST_F(UserProfiles, RefuseAMissingNumber) {
  EXPECT_EQ(refusal(changed("pue: {value: 1.2, source: s, confidence: measured}\n", "")),
            ":1: pue: missing: a map {value: ..., source: ..., confidence: ...} expected");
}

TEST_F(UserProfiles, RefuseABareNumber) {
  EXPECT_EQ(refusal(changed("{value: 1.2, source: s, confidence: measured}", "1.2")),
            ":2: pue: 1.2: a map {value: ..., source: ..., confidence: ...} expected");
}

TEST_F(UserProfiles, RefuseANumberWithoutUnit) {
  EXPECT_EQ(refusal(changed("380 gCO2e/kWh", "380")),
            ":3: carbon.value: 380: a carbon intensity with unit, e.g. 380 gCO2e/kWh, greater than "
            "zero");
}

TEST_F(UserProfiles, RefuseNegativeZeroAndNan) {
  const std::string allowed =
      ": a carbon intensity with unit, e.g. 380 gCO2e/kWh, greater than zero";
  EXPECT_EQ(refusal(changed("380 g", "-1 g")), ":3: carbon.value: -1 gCO2e/kWh" + allowed);
  EXPECT_EQ(refusal(changed("380 g", "0 g")), ":3: carbon.value: 0 gCO2e/kWh" + allowed);
  EXPECT_EQ(refusal(changed("380 g", "nan g")), ":3: carbon.value: nan gCO2e/kWh" + allowed);
  EXPECT_EQ(refusal(changed("1.2", ".nan")), ":2: pue.value: .nan: a number from 1 to 5 expected");
}

TEST_F(UserProfiles, RefuseAbsurdNumbers) {
  EXPECT_EQ(refusal(changed("1.2", "0.9")), ":2: pue.value: 0.9: a number from 1 to 5 expected");
  EXPECT_NE(refusal(changed("380 gCO2e", "380 kgCO2e")).find(":3: carbon.value: 380 kgCO2e/kWh"),
            std::string::npos);
}

TEST_F(UserProfiles, RefuseANumberWithoutSource) {
  EXPECT_EQ(refusal(changed("value: 1.2, source: s", "value: 1.2")),
            ":2: pue.source: missing: data sheet, page or paper it comes from");
}

TEST_F(UserProfiles, RefuseAnUnknownConfidence) {
  EXPECT_EQ(refusal(changed("measured", "mesured")),
            ":2: pue.confidence: mesured: one of data-sheet, measured, calibrated, assumption, "
            "indicative expected; did you mean measured?");
}

TEST_F(UserProfiles, RefuseAPriceWithoutDate) {
  EXPECT_EQ(refusal(changed("date: 2024, ", "")),
            ":4: electricity.date: missing: when the price was seen, e.g. 2026-05");
}

TEST_F(UserProfiles, RefuseAnUnknownKey) {
  EXPECT_EQ(refusal(changed("pue:", "peu: 1\npue:")),
            ":2: peu: peu: unknown key; did you mean pue?");
}

TEST_F(UserProfiles, ReportAllFaultsAtOnce) {
  const std::string path = write("site.yaml",
                                 "title: A site\n"
                                 "pue: {value: 0.5, source: s, confidence: measured}\n"
                                 "carbon: {value: 380, source: s, confidence: data-sheet}\n"
                                 "colour: green\n");
  try {
    load_site(path);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.faults().size(), 4u) << error.what();
  }
}

TEST(Profiles, RefuseAnUnknownNameWithASuggestion) {
  try {
    load_device("h100-sxm-80g");
    FAIL() << "accepted";
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_TRUE(
        text.starts_with("h100-sxm-80g: no such profile in devices; did you mean "
                         "h100-sxm-80gb, a100-sxm-80gb or h800-sxm-80gb? see moesim"))
        << text;
  }
}

TEST(Profiles, RefuseAFileThatIsNotThere) {
  try {
    load_node("nowhere/node.yaml");
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "nowhere/node.yaml: no such file");
  }
}

constexpr const char* kNode =
    "title: Mine\n"
    "device: my-gpu\n"
    "devices: {value: 2, source: s, confidence: assumption}\n"
    "host_idle: {value: 100 W, source: s, confidence: assumption}\n"
    "host_busy: {value: 200 W, source: s, confidence: assumption}\n"
    "psu_efficiency: {value: 0.9, source: s, confidence: assumption}\n";

std::string shipped_device(const std::string& name) {
  return read_file(data_folder("hardware/profiles") + "/devices/" + name + ".yaml");
}

TEST_F(UserProfiles, FindReferencesBesideThemFirst) {
  const std::string node = write("node.yaml", kNode);
  write("my-gpu.yaml", shipped_device("h100-sxm-80gb"));
  EXPECT_EQ(load_node(node).device.num_sms, 132);
  EXPECT_EQ(load_node(node).device.family.name, "hopper");
}

TEST_F(UserProfiles, FindReferencesInSiblingFolders) {
  const std::string node = write("nodes/node.yaml", kNode);
  write("devices/my-gpu.yaml", shipped_device("l4-24gb"));
  EXPECT_EQ(load_node(node).device.num_sms, 58);
}

TEST_F(UserProfiles, RefuseAnUnknownReference) {
  const std::string node = write("node.yaml", kNode);
  try {
    load_node(node);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    const std::string start = node + ":2: device: my-gpu: no such profile in devices; ";
    EXPECT_TRUE(std::string(error.what()).starts_with(start)) << error.what();
  }
}

TEST_F(UserProfiles, RefuseANodeOnATorus) {
  const std::string node = write("node.yaml", kNode);
  write("my-gpu.yaml", shipped_device("tpu-v5e"));
  try {
    load_node(node);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(),
              node + ":3: devices: 2: 1: a torus joins nodes of one device, as a fabric");
  }
}

// What is told of a shipped fabric after one change.
std::string fabric_refusal(const std::string& path, const std::string& name,
                           const std::string& from, const std::string& to) {
  std::string text = read_file(data_folder("hardware/profiles") + "/fabrics/" + name + ".yaml");
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "nothing to change";
  std::ofstream(path) << text.replace(at, from.size(), to);
  try {
    load_fabric(path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_F(UserProfiles, RefuseFabricsThatNothingCanBeBuiltOf) {
  const std::string path = write("fabric.yaml", "");
  const auto refusal = [&](const std::string& name, const std::string& from,
                           const std::string& to) {
    const std::string told = fabric_refusal(path, name, from, to);
    return told.starts_with(path) ? told.substr(told.find(": ") + 2) : told;
  };
  EXPECT_EQ(refusal("fat-tree", "value: 64", "value: 63"), "");
  EXPECT_NE(refusal("fat-tree", "value: 64", "value: 0").find("switch_ports"), std::string::npos);
  EXPECT_EQ(refusal("fat-tree", "value: 64", "value: 3"),
            "switch_ports.value: 3: a whole number from 4 to 65536 expected");
  EXPECT_EQ(refusal("roce-fat-tree-7to1", "value: 3", "value: 1"),
            "levels.value: 1: a whole number from 2 to 3 expected");
  EXPECT_EQ(refusal("slingshot-dragonfly", "value: 64", "value: 46"),
            "switch_ports: 46: at least endpoint_ports + group_switches - 1, and more to join "
            "groups");
  EXPECT_NE(refusal("torus-3d", "value: 3", "value: 4").find("dimensions"), std::string::npos);
  EXPECT_NE(refusal("torus-3d", "minimal", "ecmp").find("routing: ecmp"), std::string::npos);
  EXPECT_NE(refusal("torus-3d", "kind: torus", "kind: tours").find("did you mean torus?"),
            std::string::npos);
  EXPECT_NE(refusal("torus-3d", "dimensions:", "oversubscription:"), "");
}

TEST_F(UserProfiles, RefuseAPeakTableWithout16Bits) {
  std::string text = shipped_device("h100-sxm-80gb");
  const std::size_t at = text.find("bf16:");
  ASSERT_NE(at, std::string::npos);
  const std::string path = write("gpu.yaml", text.replace(at, 5, "int4:"));
  EXPECT_THROW(load_device(path), InputError);
}

}  // namespace
}  // namespace moesim
