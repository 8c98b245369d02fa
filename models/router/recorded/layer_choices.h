// Routing as llama.cpp's moe-trace writes it: one line "layer,expert" per choice.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim {

// A bank from lines of "layer,expert" in the order in which they were made, with or without that
// header. The lines of one layer, with any lines of others between them, are its tokens in order:
// top_k consecutive ones are one token. Layers are numbered among all layers of the model or among
// those with experts. All layers have the same tokens, except that the last one may have fewer:
// llama.cpp leaves out there the tokens without logits, all of a prompt but its end. Then only the
// last tokens, which every layer has, are taken. Traces must be without llama.cpp's warm-up run,
// which uses all experts. Sequences as in read_npy.
// Throws: InputError with the file's faults and their lines.
// Source: ggml-org/llama.cpp pull request 28544 (tensors ffn_moe_topk).
RoutingBank read_layer_choices(const std::string& path, const ModelSpec& model,
                               std::int64_t sequence_tokens);

}  // namespace moesim
