// Bytes of KV cache, indexer keys and linear-attention states: of one layer on one rank, and of
// all layers.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "base/units.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

// Cache bytes that one token adds to one layer on one rank, its window aside: KV heads never below
// one per rank, MLA latents not split at all. Sparse MLA in an 8-bit cache keeps fp32 scales per
// 128 values and its rotary part in 16 bit (656 B for DeepSeek-V3.2). Source:
// docs/physics.md, "KV cache".
Bytes kv_layer_bytes(const AttentionSpec& attention, std::int64_t tp, Dtype kv);

// Bytes of one row of compressed attention: 8-bit values with a scale per 64 of them and rotary
// values in 16 bit, padded to 8 (584 B in DeepSeek-V4), whatever the format of other caches.
// Source: vLLM, layers/deepseek_v4_attention.py.
double compressed_row_bytes(const AttentionSpec& attention);

// Key bytes of a sparse indexer per token and layer: fp8 with one fp32 scale per key (16 bit in
// grouped attention, one per compress_ratio tokens in compressed attention); 0 without an indexer
// of its own. Source: inference code of DeepSeek-V3.2, vLLM (MiniMax-M3, DeepSeek-V4).
Bytes index_key_bytes(const AttentionSpec& attention);

// State bytes of one sequence in one layer on one rank; 0 unless the attention is linear or
// compressed: there the fp32 inputs of the compressor and the rows of the last tokens, unsplit.
// Convolutions keep their inputs in 16 bit. Source: vLLM, layers/mamba/mamba_utils.py.
Bytes state_bytes(const AttentionSpec& attention, std::int64_t tp);

// Cache, indexer key and state bytes that one rank keeps of a sequence of `tokens` tokens in these
// layers, windows honoured.
Bytes kv_rank_bytes(const ModelSpec& model, const LayerRange& layers, std::int64_t tp, Dtype kv,
                    std::int64_t tokens);

// The same in all layers together, on one copy of the cache (no parallelism).
Bytes kv_bytes(const ModelSpec& model, std::int64_t tokens, Dtype kv);

// Cache bytes that one more token of context adds in all layers together, on one copy of the cache.
// Sliding-window and linear layers add nothing once their window is full: they are left out, as are
// the keys of a sparse indexer; kv_bytes() counts both.
Bytes kv_bytes_per_token(const ModelSpec& model, Dtype kv);

// Key bytes that the sparse indexers of all layers keep per token.
Bytes index_bytes_per_token(const ModelSpec& model);

}  // namespace moesim
