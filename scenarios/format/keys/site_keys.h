// `site:` of a scenario.
#pragma once

#include "base/keys.h"
#include "hardware/spec/device.h"

namespace moesim {

// The region of a scenario that names none.
inline constexpr const char* kDefaultRegion = "world-average";

KeyFacts site_key();
const KeyMap<SiteSpec>& site_keys();

}  // namespace moesim
