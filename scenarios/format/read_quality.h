// What a scenario says of quality: training tokens, dense twins, and how demand answers to price.
#pragma once

#include <optional>
#include <vector>

#include "base/document.h"
#include "models/quality/training_tokens.h"
#include "models/spec/dense_twin.h"
#include "reports/results/demand_response.h"

namespace moesim {

// quality: {training_tokens: 15e12}; nothing if the key is absent.
std::optional<TrainingTokens> read_quality(MapReader& reader);

// twins: [active, total, memory, quality], or one of them; nothing if the key is absent.
std::optional<std::vector<TwinMatch>> read_twins(MapReader& reader);

// demand: {elasticity: 0.8, reference: CASE}; nothing if the key is absent.
std::optional<DemandResponse> read_demand(MapReader& reader);

}  // namespace moesim
