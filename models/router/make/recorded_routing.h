// Routing that a real engine recorded, in any of the formats that engines write, as a bank.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim {

// The format follows from the name and, for .csv, the first line:
//   .npy                            ids [tokens, layers, top_k] (vLLM's routed experts); npy.h
//   .jsonl                          one JSON object per request (SGLang); json_lines.h
//   .pt, .json                      counts only (SGLang), `sequences` of tokens are drawn;
//                                   routing_statistics.h
//   .csv layer_id,expert_id,count   counts only; expert_counts.h
//   .csv layer,expert               one line per choice (llama.cpp); layer_choices.h
// Recorded tokens are cut into sequences of `sequence_tokens`, as many as the file gives; the
// provenance says how many tokens were left out. `seed` and `sequences` matter for counts only.
// Throws: InputError naming file, line, the value found and the values that the model allows.
RoutingBank read_recorded_routing(const std::string& path, const ModelSpec& model,
                                  std::int64_t sequence_tokens, std::uint64_t seed,
                                  std::int64_t sequences = 128);

}  // namespace moesim
