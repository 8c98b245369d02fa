// The trained parameters of one layer's gate.
#pragma once

#include <cstdint>
#include <vector>

#include "models/router/kernel/router_kernel.h"

namespace moesim {

struct Gate {
  std::int64_t hidden_size = 0;
  std::vector<float> weight;      // [outputs, hidden_size]
  std::vector<float> bias;        // [outputs], empty without gate_bias.
  std::vector<float> correction;  // [outputs], empty without correction_bias.

  GateView view() const {
    const auto outputs = static_cast<std::int64_t>(weight.size()) / hidden_size;
    return {{weight.data(), outputs, hidden_size, hidden_size}, bias, correction};
  }
};

}  // namespace moesim
