// Gives every linear layer of a model its format.
#pragma once

#include "models/quantisation/format_rules.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Sets the formats of all layers, of the head and of the KV cache. Faults, at the rules or at
// their block: two formats for one module, targets that name no module, groups that do not divide
// the inputs.
void apply_formats(const FormatRules& rules, const Value& block, ModelSpec& model);

// Sets the formats of the modules that the rules name, and leaves the others.
void apply_modules(const FormatRules& rules, const Value& block, ModelSpec& model);

}  // namespace moesim
