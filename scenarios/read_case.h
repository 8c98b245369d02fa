// One entry of `cases:`: model, formats, cluster, layout and policies, with every default decided.
#pragma once

#include <cstdint>
#include <string>

#include "base/document.h"
#include "hardware/device.h"
#include "sim/deployment.h"

namespace moesim {


// Reads a case. Faults of text go to the value's collector; contradictions between numbers that are
// each allowed (EP that does not divide the experts) go to `contradictions`.
Deployment read_case(const Value& value, const SiteSpec& site, std::uint64_t seed,
                     Faults& contradictions);

}  // namespace moesim
