// A scenario with every default written out, in the language of scenario files: enough to rerun it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <set>
#include <string>

#include "sim/deployment/deployment.h"

namespace moesim {

// `given` is the case as the file has it: paths of a model or profile are taken from there.
YAML::Node resolved_case(const Deployment& deployment, const YAML::Node& given);

// A case with every default in place of what was left out, where the default is the same at every
// point of the sweep; other sections stay as given, so that the sweep decides them again.
class ResolvedPoints {
 public:
  explicit ResolvedPoints(const YAML::Node& given) : given_(given) {}

  void add(const Deployment& point);
  // As given without any point.
  YAML::Node node() const;

 private:
  YAML::Node given_;
  std::optional<YAML::Node> first_;  // Point.
  std::set<std::string> differing_;  // Sections.
};

// `given` is the `router:` of the case as the file has it; undefined where it is left out.
// Requires: an MoE model.
YAML::Node resolved_router(const Deployment& deployment, const YAML::Node& given);

YAML::Node resolved_site(const SiteSpec& site);

// `given` with the defaults of what it leaves out, in the order of the table of keys.
YAML::Node resolved_workload(const YAML::Node& given);

}  // namespace moesim
