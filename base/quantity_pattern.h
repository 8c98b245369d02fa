// What texts are a quantity, as a regular expression for other programs.
#pragma once

#include <string>

#include "base/quantity.h"

namespace moesim {

// Matches what parse_quantity() reads as a number of the dimension that is not negative; without
// `zero_allowed` zero does not match either.
std::string quantity_pattern(Dimension dimension, bool zero_allowed = false);

}  // namespace moesim
