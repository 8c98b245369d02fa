#include <algorithm>
#include <cmath>

#include "models/router/recorded/gate_weights.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::fuzz {

namespace {

ModelSpec biased_model() {
  ModelSpec model = made::routed_model();
  for (LayerSpec& layer : model.layers) {
    if (layer.moe) layer.moe->router.correction_bias = true;
  }
  return model;
}

}  // namespace

void read_input(const std::string& path) {
  const std::vector<Gate> gates = read_gate_weights(path, biased_model());
  require(gates.size() == 3, "a gate per layer with experts");
  for (const Gate& gate : gates) {
    require(gate.weight.size() == 32 && gate.correction.size() == 8, "gates have their shape");
    require(std::all_of(gate.weight.begin(), gate.weight.end(),
                        [](float weight) { return std::isfinite(weight); }),
            "weights are finite");
  }
}

std::vector<std::string> seed_inputs() {
  std::vector<made::Tensor> tensors;
  for (int layer = 1; layer < 4; ++layer) {
    const std::string name = "model.layers." + std::to_string(layer) + ".mlp.gate.";
    tensors.push_back({name + "weight", layer == 2 ? "BF16" : "F16", layer == 3 ? "[4,8]" : "[8,4]",
                       std::string(64, '\x3c')});
    tensors.push_back({name + "e_score_correction_bias", "F32", "[8]", std::string(32, '\x3d')});
  }
  return {made::safetensors(tensors)};
}

}  // namespace moesim::fuzz
