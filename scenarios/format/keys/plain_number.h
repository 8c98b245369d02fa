// Numbers as files write them, without a unit.
#pragma once

#include <optional>
#include <string>

namespace moesim {

// A finite number without a unit, if the text is one.
std::optional<double> plain_number(const std::string& text);

}  // namespace moesim
