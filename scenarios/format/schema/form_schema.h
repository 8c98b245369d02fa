// Rows of keys as JSON Schema.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/keys.h"

namespace moesim {

// The schema of a key's value: its form, then its meaning with words for a default that is no
// value, " (default: WORDS)".
nlohmann::ordered_json key_schema(const KeyFacts& facts);

// The schema of a map of exactly these keys, or with others where it has them.
nlohmann::ordered_json map_schema(const form::Map& map, const std::string& meaning);

}  // namespace moesim
