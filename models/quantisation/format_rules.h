// What a quantisation block says, whatever its method: which modules have which format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/document.h"
#include "models/spec/weight_format.h"

namespace moesim {

// An entry of a list of modules.
//   "lm_head", "model.layers.0.self_attn": a module by its name, or by some of its components in a
//   row, with all that lies below it; "re:.*experts.*": a regular expression from the start of the
//   name; "mtp*": a pattern of * and ? for the module or one that it lies in; "Linear": a class.
// Source: vLLM, compressed_tensors/utils.py, utils/quant_utils.py, modelopt.py; transformers,
// should_convert_module.
struct FormatRule {
  std::string entry;
  Value place;
  std::optional<WeightFormat> format;  // Nothing: stays as wide as the model.
};

struct FormatRules {
  std::vector<FormatRule> ignored;  // Before the others.
  std::vector<FormatRule> named;
  bool first_wins = false;                // Else two formats for a module contradict each other.
  std::optional<WeightFormat> otherwise;  // Of all other linear layers.
  std::optional<WeightFormat> head;       // Of a head that no rule names.
  std::optional<Dtype> kv;
  std::vector<std::string> unread;  // Paths of keys that are not known, or known and not modelled.
};

// Reads a `quantization_config`, or the `quantization` of an hf_quant_config.json. `wide`: the
// format of what is not quantised. Faults go to those of `block`.
FormatRules read_format_rules(const Value& block, const WeightFormat& wide);

}  // namespace moesim
