// Reads what all cases of a scenario share: name, question, seed, site, workload.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/document.h"
#include "base/read_log.h"
#include "hardware/spec/variation.h"
#include "scenarios/format/keys/scenario_keys.h"

namespace moesim {

// Workloads by their text and seed: points of a sweep that share one read and keep it once.
using Workloads = std::map<std::string, MadeOf<std::shared_ptr<const Workload>>>;

// Reads the parts from the whole document; faults go to the reader's collector.
Common read_common(MapReader& reader, Workloads& workloads, const Variation& variation);

}  // namespace moesim
