// What all cases of a scenario share: name, question, seed, site and workload.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/document.h"
#include "base/read_log.h"
#include "hardware/spec/device.h"
#include "hardware/spec/variation.h"
#include "scenarios/format/read_quality.h"
#include "sim/deployment/workload.h"

namespace moesim {

struct Common {
  std::string name;
  std::string question;
  std::uint64_t seed = 0;
  SiteSpec site;
  std::shared_ptr<const Workload> workload;
  std::optional<TrainingTokens> training;
  std::optional<DemandResponse> demand;
  std::vector<TwinMatch> twins;  // Of every MoE case that does not name its own.
  FileReads files;               // That were read for all this.
};

// Workloads by their text and seed: points of a sweep that share one read and keep it once.
using Workloads = std::map<std::string, MadeOf<std::shared_ptr<const Workload>>>;

// Reads the parts from the whole document; faults go to the reader's collector.
Common read_common(MapReader& reader, Workloads& workloads, const Variation& variation);

}  // namespace moesim
