// A scenario with every default written out, in the language of scenario files: enough to rerun it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <span>

#include "scenarios/scenario.h"

namespace moesim {

// `given` is the case as the file has it: paths of a model or profile are taken from there.
YAML::Node resolved_case(const Deployment& deployment, const YAML::Node& given);

// A case with every default in place of what was left out, where the default is the same at every
// point of the sweep; other sections stay as given, so that the sweep decides them again.
// Requires: at least one point.
YAML::Node resolved_points(const YAML::Node& given, std::span<const Case> points);

// Parts of a case. `given` is its `router:` as the file has it; undefined where it is left out.
// Requires: an MoE model.
YAML::Node resolved_router(const Deployment& deployment, const YAML::Node& given);
YAML::Node resolved_placement(const PlacementSpec& placement);

YAML::Node resolved_site(const SiteSpec& site);

}  // namespace moesim
