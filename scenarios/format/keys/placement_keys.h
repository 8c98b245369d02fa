// `placement:` of a case: which rank has which expert.
#pragma once

#include "base/keys.h"
#include "models/placement/placement.h"

namespace moesim {

KeyFacts placement_key();
const KeyMap<PlacementSpec>& placement_keys();

}  // namespace moesim
