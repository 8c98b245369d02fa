// The JSON Schema of scenario files, for editors.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace moesim {

// Draft 2020-12: every key that the readers know, with its meaning, words, bounds and units. What
// only a whole scenario can contradict (a layout that does not add up) is left to `moesim check`.
nlohmann::ordered_json scenario_schema();

}  // namespace moesim
