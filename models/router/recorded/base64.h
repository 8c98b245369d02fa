// Base64 (RFC 4648, section 4), in which engines hand out arrays inside JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moesim {

// The bytes, or nothing if the text is not base64 with its padding, or has bits left over.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

}  // namespace moesim
