// Names of the gates' tensors in the checkpoints of the model families.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moesim {

enum class GatePart { kWeight, kBias, kCorrection };

// Layer and part of a router's tensor.
struct GateTensor {
  std::int64_t layer = 0;  // Layer of the model, from 0.
  GatePart part = GatePart::kWeight;
};

// The part of a gate that a tensor's name stands for, or nothing: the text before "layers.N." (or
// "blocks.N.") does not matter, except that heads which predict further tokens ("mtp") are no
// layers of the model.
std::optional<GateTensor> gate_tensor(std::string_view name);

// The names a user may expect, for messages: "model.layers.3.mlp.gate.weight (...), ...".
std::string gate_names(std::int64_t layer, GatePart part);

}  // namespace moesim
