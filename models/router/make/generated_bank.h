// Banks from generated hidden states: through generated gates that aim at published loads or at
// those of a training, or through the real gates of a checkpoint.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/router/tokens/calibration.h"
#include "models/router/tokens/text_loads.h"

namespace moesim {

// The model that hidden states are generated for, and how.
struct Generation {
  const ModelSpec& model;
  const RoutingCalibration& calibration;
  std::uint64_t seed = 0;
  std::int64_t num_threads = 1;  // Ids are the same for any number.
};

// One of the banks to fill. Its sizes are set.
struct GeneratedBank {
  const ModelSpec& model;
  const TextLoads& loads;  // Target of its gates.
  RoutingBank& bank;
};

// Routes every token of the banks through generated gates. Fills ids, origin and provenance. Hidden
// states and their products with gate rows are made once for all; a bank does not depend on which
// others are made with it.
// Requires: models as generation.model but for their experts and top_k; the same tokens; loads with
// shapes for all or none.
// Throws: std::invalid_argument as check_router for decode.
void route_generated(const Generation& generation, std::span<const GeneratedBank> banks);

// The same through the gates of the checkpoint at `path`. Nothing is fitted: the skew is that of
// these gates on states without a mean direction, which only the real model knows.
// Throws: InputError as read_gate_weights; std::invalid_argument as check_router for decode.
void route_through_real_gates(const Generation& generation, const std::string& path,
                              RoutingBank& bank);

}  // namespace moesim
