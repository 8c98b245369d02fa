#include "models/router/recorded/safetensors.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const SafetensorsFile file(path);
  for (const TensorInfo& tensor : file.tensors()) {
    require(file.find(tensor.name) == &tensor, "a tensor is found by its name");
    if (!SafetensorsFile::is_float(tensor)) continue;
    require(static_cast<std::int64_t>(file.read_floats(tensor).size()) == tensor.size(),
            "a tensor has as many values as its shape says");
  }
}

std::vector<std::string> seed_inputs() {
  const std::string data(32, '\x3c');
  return {made::safetensors({{"a.weight", "F32", "[2,4]", data},
                             {"b", "BF16", "[16]", data},
                             {"c", "F8_E4M3", "[4,8]", data}}),
          made::safetensors({{"h", "F16", "[4,4,1]", data}, {"z", "I64", "[0,7]", ""}}),
          made::safetensors(std::vector<made::Tensor>{})};
}

}  // namespace moesim::fuzz
