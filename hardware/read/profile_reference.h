// The keys of hardware profiles as a reference for those who write them.
#pragma once

#include <string>
#include <vector>

#include "base/keys.h"

namespace moesim {

struct ProfileRow {
  KeyFacts facts;
  std::string enters;  // Word of Enters; empty for names and words, which are no facts.
  bool is_price = false;
};

// All keys of one kind of profile.
struct ProfileTable {
  std::string kind;  // "devices", "nodes", ...
  std::string about;
  std::vector<ProfileRow> rows;
};
std::vector<ProfileTable> profile_tables();

// One line a key, for the terminal.
std::string profile_keys_text();

// docs/profiles.md.
std::string profile_keys_markdown();

}  // namespace moesim
