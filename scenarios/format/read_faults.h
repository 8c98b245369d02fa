// `faults:` of a case: links and devices at a share of their speed, links that are down, devices
// that fail.
#pragma once

#include "base/document.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Requires: the case's cluster and plan are read. Faults of text go to the value's collector; what
// the cluster does not have and what contradicts an earlier entry to `contradictions`.
void read_faults(const Value& value, Faults& contradictions, Deployment& deployment);

}  // namespace moesim
