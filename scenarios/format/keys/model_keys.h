// `model:` and `dtype:` of a case.
#pragma once

#include "base/keys.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

KeyFacts model_key();
// A model with other sizes: a name and what differs.
const KeyMap<ModelOverrides>& model_keys();

KeyFacts dtype_key();
const KeyMap<DtypePlan>& dtype_keys();

}  // namespace moesim
