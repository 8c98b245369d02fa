// Routing as SGLang returns it: one JSON object per line and request, the ids inside as base64.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim {

// A bank from lines of JSON. The ids of a request are little-endian int32 [tokens, layers, top_k]
// in base64, under "routed_experts", either at the top or inside "meta_info" (/generate),
// "sglext", "sgl_ext" (chat and text completions) or "nvext" (Dynamo), each at the top or inside
// "choices"; everything else on a line is passed over. Layers as in read_npy: those with experts,
// or all where the dense ones hold 0 or -1 throughout. Sequences of `sequence_tokens` never cross
// a request; tokens after a request's last whole sequence are left out. If all requests are
// shorter, sequences are as long as the longest.
// Throws: InputError with the file's faults and their lines.
// Source: docs.sglang.io (return_routed_experts), sgl-project/sglang pull requests 12162, 17434.
RoutingBank read_json_lines(const std::string& path, const ModelSpec& model,
                            std::int64_t sequence_tokens);

}  // namespace moesim
