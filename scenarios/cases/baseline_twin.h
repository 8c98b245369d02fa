// The same case with a baseline in place of its router, to see what the baseline would have said.
#pragma once

#include "scenarios/cases/scenario.h"

namespace moesim {

// "moe" -> "moe (balanced routing)", alike in everything but the source of its tokens.
Case baseline_twin(const Case& one, TokenPolicy policy);

}  // namespace moesim
