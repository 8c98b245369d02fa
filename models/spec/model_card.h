// A model on one page: for `moesim show MODEL`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/spec/model_spec.h"

namespace moesim {

// Plain text: parameters in all three conventions of "active", cache, FLOPs, experts, router; with
// layer_by_layer also the layers, equal neighbours grouped into runs.
std::string model_card(const ModelSpec& model, bool layer_by_layer);

// The same numbers for programs. params_active counts embedding and head.
nlohmann::ordered_json model_card_json(const ModelSpec& model);

// The routing scheme in words.
std::string router_in_words(const RouterSpec& router);

}  // namespace moesim
