// An entry of `cases:`.
#pragma once

#include "base/keys.h"
#include "sim/deployment/deployment.h"

namespace moesim {

const Keys<Deployment>& case_keys();

}  // namespace moesim
