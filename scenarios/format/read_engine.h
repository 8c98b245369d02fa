// `engine:` of a case: the serving engine by name and release, and the scenario's own words for its
// numbers.
#pragma once

#include <map>
#include <string>

#include "base/document.h"
#include "base/read_log.h"
#include "hardware/spec/variation.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/engine_profile.h"

namespace moesim {

// Engine profiles by name or path, so that each is read once.
struct LoadedEngines {
  std::map<std::string, MadeOf<EngineProfile>> drawn;
  std::map<std::string, MadeOf<EngineProfile>> stated;
};

// Decides how a case is served, on its cluster, by its `engine:` if it has one. `variation` draws
// the profiles' numbers; faults go to the case's collector.
void read_engine(const std::optional<Value>& value, const Variation& variation,
                 LoadedEngines& loaded, Deployment& deployment);

}  // namespace moesim
