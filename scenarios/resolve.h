// A scenario with every default written out, in the language of scenario files: enough to rerun it.
#pragma once

#include <yaml-cpp/yaml.h>

#include "sim/deployment.h"

namespace moesim {

// `given` is the case as the file has it: paths of a model or profile are taken from there.
YAML::Node resolved_case(const Deployment& deployment, const YAML::Node& given);
YAML::Node resolved_site(const SiteSpec& site);

}  // namespace moesim
