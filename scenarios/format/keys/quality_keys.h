// `quality:`, `twins:` and `demand:`: training tokens, dense models to compare with, and how demand
// answers to price.
#pragma once

#include "base/keys.h"
#include "models/quality/training_tokens.h"
#include "models/spec/dense_twin.h"
#include "reports/analysis/demand.h"

namespace moesim {

KeyFacts quality_key();
const KeyMap<TrainingTokens>& quality_keys();

KeyFacts twins_key();
inline constexpr form::Word<TwinMatch> kTwin;

KeyFacts demand_key();
const KeyMap<DemandResponse>& demand_keys();

}  // namespace moesim
