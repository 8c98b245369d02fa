// `cluster:` of a case.
#pragma once

#include "base/keys.h"
#include "hardware/spec/device.h"

namespace moesim {

KeyFacts cluster_key();
const KeyMap<ClusterSpec>& cluster_keys();

// A length of a torus.
inline constexpr form::Whole kTorusLength{1, 100'000};

}  // namespace moesim
