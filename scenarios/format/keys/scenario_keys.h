// The keys of a scenario file itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/keys.h"
#include "base/read_log.h"
#include "hardware/spec/device.h"
#include "models/quality/training_tokens.h"
#include "models/spec/dense_twin.h"
#include "reports/results/case_report.h"
#include "reports/results/demand_response.h"
#include "sim/deployment/workload.h"

namespace moesim {

// What all cases of a scenario share.
struct Common {
  std::string name;
  std::string question;
  std::uint64_t seed = 0;
  double confidence = kDefaultConfidence;
  SiteSpec site;
  std::shared_ptr<const Workload> workload;
  std::optional<TrainingTokens> training;
  std::optional<DemandResponse> demand;
  std::vector<TwinMatch> twins;  // Of every MoE case that does not name its own.
  FileReads files;               // That were read for all this.
};

inline constexpr const char* kSchemaVersion = "1";

const Keys<Common>& scenario_keys();
form::Map scenario_map();
inline constexpr const char* kScenarioMeaning =
    "A scenario: a question, the traffic, and the cases to compare";

}  // namespace moesim
