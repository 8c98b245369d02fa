// The few metrics that people compare first; the rest is in the full tables.
#pragma once

#include <string_view>
#include <vector>

namespace moesim {

// Rows of the side-by-side table: heading, keys.
struct KeyGroup {
  std::string_view heading;
  std::vector<std::string_view> keys;
};
const std::vector<KeyGroup>& key_groups();

// Columns of a sweep, short enough for one line.
struct KeyColumn {
  std::string_view key;
  std::string_view heading;
  bool less_is_better = true;
};
const std::vector<KeyColumn>& key_columns();

}  // namespace moesim
