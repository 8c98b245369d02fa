// The trained gates of a real checkpoint, read from its .safetensors files without touching any
// other weight.
#pragma once

#include <string>
#include <vector>

#include "models/router/kernel/gate.h"
#include "models/router/tokens/generated_gate.h"
#include "models/spec/model_spec.h"

namespace moesim {

// One gate per MoE layer, in order, from a .safetensors file, a model.safetensors.index.json, or a
// folder with either. Weights are widened to fp32; the correction bias is read where the model's
// router has one.
// Shapes: weight [num_experts + zero experts, hidden_size]; biases [the same outputs].
// Throws: InputError with every layer that is missing, misshapen or not finite.
std::vector<Gate> read_gate_weights(const std::string& path, const ModelSpec& model);

}  // namespace moesim
