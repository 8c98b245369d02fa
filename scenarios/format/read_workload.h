// The `workload:` part of a scenario.
#pragma once

#include <cstdint>

#include "base/document.h"
#include "hardware/spec/variation.h"
#include "sim/deployment/workload.h"

namespace moesim {

// Faults go to the value's collector; what could be read is returned.
Workload read_workload(const Value& value, std::uint64_t seed, const Variation& variation);

}  // namespace moesim
