// Number formats of a published checkpoint: torch_dtype, and quantization_config or the
// hf_quant_config.json beside the config.
#pragma once

#include <optional>

#include "models/config/catalog.h"
#include "models/config/config_fields.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Sets the formats of a model whose layers are read. Faults of the quantisation go to
// ModelSpec::format_faults, because a scenario may state other formats; a name that promises a
// format, and keys that are not read, become notes.
void read_formats(const ConfigFields& fields, const std::optional<ConfigFile>& beside,
                  ModelSpec& model);

}  // namespace moesim
