// What is said of keys that other programs have, or that ask for something that is not modelled.
#pragma once

#include "base/input_error.h"

namespace moesim {

// The one table of these words. Whoever builds what one of them asks for removes its row.
const KeyAdvice& key_advice();

}  // namespace moesim
