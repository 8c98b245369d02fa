// Why a case is ahead, in words.
#pragma once

#include <string>

#include "reports/analysis/drivers.h"

namespace moesim {

// "it reads 31.2 MB of weights and KV cache per output token against 105 MB".
std::string driver_text(const Driver& driver);

}  // namespace moesim
