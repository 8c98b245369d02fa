// `think_time` of users: the pauses between an answer and the next request.
#pragma once

#include <cstdint>
#include <functional>

#include "base/document.h"
#include "base/units.h"

namespace moesim {

// Draws pauses one by one, from a stream of their own; null after a fault.
std::function<Seconds()> read_think_time(const Value& value, std::uint64_t seed);

}  // namespace moesim
