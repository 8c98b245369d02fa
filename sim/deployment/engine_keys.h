// The keys of serving engines: of the files in sim/engines, and of `engine:` in scenarios, which
// may set most of them for one case.
#pragma once

#include <vector>

#include "hardware/read/profile_keys.h"
#include "sim/deployment/engine_profile.h"

namespace moesim {

enum class EngineFile {
  kStates,    // The oldest range of a file must have the key.
  kMayState,  // Without it, a policy as it is built.
};

struct EngineKey {
  ProfileKey<ServingPolicy> row;
  EngineFile file = EngineFile::kStates;
  bool in_scenarios = true;

  bool is_number() const;  // And not a word or a flag.
};

// In the order in which resolved scenarios write them.
const std::vector<EngineKey>& engine_keys();

// Those that a scenario may set.
const Keys<ServingPolicy>& serving_keys();

// The numbers of `evidence` in a file.
const ProfileKeys<Evidence>& evidence_keys();

}  // namespace moesim
