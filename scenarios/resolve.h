// A scenario with every default written out, in the language of scenario files: enough to rerun it.
#pragma once

#include <yaml-cpp/yaml.h>

#include "sim/deployment.h"

namespace moesim {

YAML::Node resolved_case(const Deployment& deployment);
YAML::Node resolved_site(const SiteSpec& site);

}  // namespace moesim
