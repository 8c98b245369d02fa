// Dense twins: dense models made from an MoE model's own parts, to compare it with.
#pragma once

#include <cstdint>

#include "base/words.h"
#include "models/spec/model_spec.h"

namespace moesim {

enum class TwinMatch { kActive, kTotal, kMemory, kQuality };
template <>
inline constexpr auto kWords<TwinMatch> = enum_words<TwinMatch>({
    {TwinMatch::kActive, "active"},
    {TwinMatch::kTotal, "total"},
    {TwinMatch::kMemory, "memory"},
    {TwinMatch::kQuality, "quality"},
});

// The dense model with the same attention, depth and vocabulary whose feed-forward width matches
// the MoE in active (top_k * expert_width + shared) or total (num_experts * expert_width + shared)
// width.
enum class TwinKind { kActive, kTotal };
ModelSpec dense_twin(const ModelSpec& moe, TwinKind kind);

// The same family without experts at `params` parameters, embedding and head included, to within
// 1 %: vocabulary, context, kinds of attention and their pattern, head sizes and latents as they
// are. Heads, hidden size and widths grow as the cube root of the size and the number of layers
// makes up the rest, so that the model keeps its proportions; feed-forward blocks are as wide as
// the active width of the MoE, scaled, and then trimmed until the total is right. KV heads stay
// (grouped) or follow the heads (one per query head). Requires: params >= least_dense_params().
ModelSpec dense_model_of(const ModelSpec& own, double params);

// The same with heads, hidden size and depth as at `shape_params`, so that only the feed-forward
// widths answer to `params`. Requires: params not far from shape_params.
ModelSpec dense_model_of(const ModelSpec& own, double params, double shape_params);

// The smallest that dense_model_of() makes: eight heads, one layer.
double least_dense_params(const ModelSpec& own);

}  // namespace moesim
