// Expert ids are 16 bits wide: routed experts from 0 on, then zero experts.
#pragma once

#include <cstdint>

namespace moesim {

// Stands where a token has fewer experts than slots.
inline constexpr std::uint16_t kNoExpert = 0xFFFF;

}  // namespace moesim
