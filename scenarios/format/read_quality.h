// What a scenario says of quality: training tokens, dense twins, and how demand answers to price.
#pragma once

#include <optional>
#include <vector>

#include "base/document.h"
#include "models/quality/training_tokens.h"
#include "models/spec/dense_twin.h"
#include "reports/results/demand_response.h"

namespace moesim {

// Of `quality:`; nothing after a fault.
std::optional<TrainingTokens> read_quality(const Value& value);

// Of `twins:`, one of them or a list.
std::vector<TwinMatch> read_twins(const Value& value);

// Of `demand:`; nothing if the value is no map.
std::optional<DemandResponse> read_demand(const Value& value);

}  // namespace moesim
