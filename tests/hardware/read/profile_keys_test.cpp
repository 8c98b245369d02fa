#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/data_folder.h"
#include "base/document.h"
#include "hardware/read/profile_reference.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

std::set<std::string> names_of(const ProfileTable& table) {
  std::set<std::string> names;
  for (const ProfileRow& row : table.rows) names.insert(row.facts.name);
  return names;
}

TEST(ProfileKeys, EveryKeyOfAShippedProfileIsARow) {
  for (const ProfileTable& table : profile_tables()) {
    const std::set<std::string> known = names_of(table);
    for (const std::string& name : profile_names(table.kind)) {
      const std::string path =
          data_folder("hardware/profiles") + "/" + table.kind + "/" + name + ".yaml";
      for (const auto& entry : parse_document(read_file(path), path)) {
        EXPECT_TRUE(known.contains(entry.first.Scalar())) << path << ": " << entry.first.Scalar();
      }
    }
  }
}

TEST(ProfileKeys, AKeyThatMayBeAbsentSaysWhatThenHolds) {
  for (const ProfileTable& table : profile_tables()) {
    for (const ProfileRow& row : table.rows) {
      const KeyFacts& facts = row.facts;
      EXPECT_FALSE(facts.meaning.empty()) << facts.name;
      EXPECT_EQ(facts.required(), facts.fallback.text.empty()) << table.kind << "." << facts.name;
    }
  }
}

TEST(ProfileKeys, TheReferenceHasALineForEach) {
  const std::string page = profile_keys_markdown();
  EXPECT_NE(page.find("| `tdp` | Thermal design power | 0.1 W to 1e+06 W | always | energy |"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("| `levels` | Levels of switches at most; smaller clusters need fewer | "
                      "whole, 2 to 3 | fat trees; otherwise 3 | time |"),
            std::string::npos)
      << page;
  EXPECT_NE(profile_keys_text().find("sites.pue "), std::string::npos);
}

TEST(ProfileKeys, AFactSaysWhatItsNumberEnters) {
  const DeviceSpec h100 = load_device("h100-sxm-80gb");
  const auto enters = [](const std::vector<Fact>& facts, const std::string& end) {
    const auto found = std::find_if(facts.begin(), facts.end(),
                                    [&](const Fact& fact) { return fact.path.ends_with(end); });
    return found == facts.end() ? std::string("no fact") : std::string(word_of(found->enters));
  };
  EXPECT_EQ(enters(h100.facts, ": memory"), "memory");
  EXPECT_EQ(enters(h100.facts, ": peak.bf16"), "time");
  EXPECT_EQ(enters(h100.facts, ": idle"), "energy");
  EXPECT_EQ(enters(h100.facts, ": rent"), "money");
  EXPECT_EQ(enters(h100.family.facts, ": power_hbm"), "energy");
  EXPECT_EQ(enters(load_site("france").facts, ": carbon"), "carbon");
  EXPECT_EQ(enters(load_serving_error("a on b", {}).facts, ": first_token"), "first_token");
}

}  // namespace
}  // namespace moesim
