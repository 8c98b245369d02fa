// Expert choice: experts pick tokens instead of tokens experts, so that all have the same number
// and tokens differ. Source: Zhou et al., arXiv:2202.09368.
#pragma once

#include <cstdint>
#include <span>

#include "models/router/kernel/router_kernel.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Tokens per expert of a batch: n = tokens top_k / outputs, rounded down, at least 1; top_k is the
// mean number of experts per token.
std::int64_t tokens_per_expert(const MoeSpec& moe, std::int64_t tokens);

// Every expert takes the n tokens with its largest score s_ti (ties: the earlier token) at weight
// scaling s_ti. Ids of a token are in falling order of weight. Rows and drops are left empty.
// Shapes: logits [tokens, outputs].
RoutedBatch choose_tokens(const MoeSpec& moe, std::span<const float> logits);

}  // namespace moesim
