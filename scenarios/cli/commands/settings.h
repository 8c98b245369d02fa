// Changes of a scenario that are given on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moesim {

struct Setting;

struct SettingArguments {
  std::vector<std::string> settings;  // path=value
  std::optional<std::int64_t> seed;
};

// Throws: InputError for what is no path=value.
std::vector<Setting> settings_of(const SettingArguments& arguments);

}  // namespace moesim
