// One entry of `cases:`: model, formats, cluster, layout and policies, with every default decided.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/document.h"
#include "base/read_log.h"
#include "hardware/spec/device.h"
#include "hardware/spec/variation.h"
#include "scenarios/format/read_common.h"
#include "scenarios/format/read_engine.h"
#include "scenarios/format/read_router.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// What cases have loaded by name or path, so that ten thousand points of a sweep load it once.
struct LoadedSpecs {
  std::map<std::string, MadeOf<ModelSpec>> models;
  std::map<std::string, MadeOf<NodeSpec>> nodes;
  std::map<std::string, MadeOf<FabricSpec>> fabrics;
  std::map<std::string, MadeOf<ModelError>> errors;
  LoadedEngines engines;
  CheckedFiles checked;
  Variation variation;  // How the numbers of the profiles are drawn.
};

struct CaseSpec {
  Deployment deployment;
  std::vector<TokenPolicy> baselines;           // Routing that the case is compared with.
  std::optional<std::vector<TwinMatch>> twins;  // Dense models that it is compared with.
  FileReads files;                              // That were read for it.
};

// Reads a case. Faults of text go to the value's collector; contradictions between numbers that are
// each allowed (EP that does not divide the experts) go to `contradictions`.
CaseSpec read_case(const Value& value, const Common& common, Faults& contradictions,
                   LoadedSpecs& loaded);

}  // namespace moesim
