// `parallel:` and `prefill:` of a case: layouts of workers.
#pragma once

#include "base/keys.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

KeyFacts parallel_key();
KeyFacts prefill_key();
const KeyMap<ParallelPlan>& parallel_keys();

}  // namespace moesim
