#include <algorithm>

#include "models/router/recorded/checkpoint.h"
#include "tests/fuzz/fuzz_target.h"

namespace moesim::fuzz {

void read_input(const std::string& path) {
  const auto all = [](std::string_view) { return true; };
  for (const TensorPlace& place : read_checkpoint_index(path, all)) {
    require(std::count(place.file.begin(), place.file.end(), '/') ==
                std::count(path.begin(), path.end(), '/'),
            "an index names files beside it");
  }
}

std::vector<std::string> seed_inputs() {
  return {R"({"metadata": {"total_size": 123, "more": [{"a": null}]}, "weight_map": {)"
          R"("model.layers.1.mlp.gate.weight": "model-00001-of-00002.safetensors",)"
          R"("model.layers.2.mlp.gate.weight": "model-00002-of-00002.safetensors"}})",
          R"({"weight_map": {}})"};
}

}  // namespace moesim::fuzz
