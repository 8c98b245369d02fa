// Faults of a scenario in the order in which its author reads them.
#pragma once

#include <string>
#include <vector>

#include "base/input_error.h"

namespace moesim {

// What faults about a --set call their file.
inline constexpr const char* kSetOption = "--set";

// One fault may be met at many sweep points; the user reads it once, in the order of the file.
// Faults of other files (a trace) come last, those on no line first: only a setting lies on none.
std::vector<Fault> for_reading(const Faults& faults, const std::string& file, bool has_settings);

}  // namespace moesim
