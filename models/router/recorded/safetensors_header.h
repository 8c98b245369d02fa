// The JSON header of a .safetensors file as it is written, before it is checked against the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/router/recorded/safetensors.h"

namespace moesim {

// The tensors of a header in the order in which they are written.
// Throws: InputError naming `path` if it is no such header: {"name": {"dtype": text, "shape":
// [whole numbers], "data_offsets": [begin, end]}, "__metadata__": {"name": text}}.
std::vector<TensorInfo> parse_safetensors_header(std::string_view text, const std::string& path);

}  // namespace moesim
