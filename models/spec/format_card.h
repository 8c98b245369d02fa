// The formats of a model by module, for `moesim show MODEL`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/spec/model_spec.h"

namespace moesim {

// Plain text: bytes of all weights, then each block's matrices with their format and layers.
std::string format_card(const ModelSpec& model);

// The same for programs: a list of {modules, layers, format, bits}.
nlohmann::ordered_json format_card_json(const ModelSpec& model);

}  // namespace moesim
