// Number formats of a published checkpoint: torch_dtype and quantization_config.
#pragma once

#include "base/dtype.h"
#include "models/config/config_fields.h"

namespace moesim {

struct NativeDtypes {
  Dtype linear = Dtype::kBf16;
  Dtype experts = Dtype::kBf16;
};

// The formats of the linear layers and of the routed experts. A method that leaves the attention
// unconverted quantises the experts only.
NativeDtypes read_native_dtypes(const ConfigFields& fields);

}  // namespace moesim
