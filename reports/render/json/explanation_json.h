// Why two cases differ, for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "reports/analysis/explain.h"

namespace moesim {

nlohmann::ordered_json explanation_json(const Explanation& explanation);

}  // namespace moesim
