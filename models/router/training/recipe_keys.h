// The keys of a training recipe: `router.training:` of scenarios, `route --train`.
#pragma once

#include "base/keys.h"
#include "models/router/training/gate_training.h"

namespace moesim {

const KeyMap<TrainingRecipe>& recipe_keys();

}  // namespace moesim
