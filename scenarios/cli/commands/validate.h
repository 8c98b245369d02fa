// `moesim validate`: predictions against published measurements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moesim {

struct ValidateArguments {
  std::vector<std::string> files;
  std::vector<std::string> profiles;
  std::string out;
  std::string page;
  std::string routing = "calibrated";  // One of kRoutings.
  std::int64_t samples = 0;
  std::optional<std::int64_t> jobs;  // Nothing = all cores.
};

// Routings that need nothing but a name.
inline const std::vector<std::string> kRoutings = {"calibrated", "balanced", "uniform"};

// Returns the exit code. Throws: InputError for tables without any measurement.
int validate_command(const ValidateArguments& arguments);

}  // namespace moesim
