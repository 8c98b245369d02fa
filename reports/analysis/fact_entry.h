// What part of a prediction a number of a profile enters.
#pragma once

#include "hardware/spec/device.h"

namespace moesim {

enum class Enters { kMemory, kTime, kFirstToken, kEnergy, kCarbon, kMoney };

Enters entry_of(const Fact& fact);

}  // namespace moesim
