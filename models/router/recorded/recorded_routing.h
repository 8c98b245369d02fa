// Routing that a real engine recorded, in any of the formats that engines write, as a bank.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"

namespace moesim {

// The format follows from the name and the first line:
//   .npy                     ids [tokens, layers, top_k] (vLLM's routed experts),
//   .jsonl                   one JSON object per request with base64 int32 ids (SGLang),
//   .csv layer_id,expert_id,count   counts; tokens are drawn without replacement
//   (kDrawnFromCounts), .csv layer,expert        one line per choice, in token order (llama.cpp).
// Consecutive tokens are cut into sequences of `sequence_tokens`. `seed` matters for counts only.
// Throws: InputError naming file, line, what was found and what the model allows.
RoutingBank read_recorded_routing(const std::string& path, const ModelSpec& model,
                                  std::int64_t sequence_tokens, std::uint64_t seed);

}  // namespace moesim
