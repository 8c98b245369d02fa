// Drawn tokens added up one by one, for what blocks of tokens cannot know: which replica is nearest
// to a token's source, and which tokens find their expert full.
#pragma once

#include "models/router/bank/dispatch.h"
#include "models/router/bank/routing_sampler.h"
#include "models/router/bank/token_blocks.h"

namespace moesim {

struct OneByOne {
  const BlockLayout& layout;
  const TokenBlocks& blocks;
  const LayerPlacement& placement;
  const DispatchGeometry& geometry;
  const CapacitySpec& capacity;
};

// Fills everything of `load` from its windows. An expert takes
//   max(least, ceil(factor T top_k / experts)) of the T tokens drawn,
// the first ones in the order of sources (the bank has no weights to go by): the others are dropped
// before dispatch. With `pad` every slot computes its expert's capacity, shared by replicas, and
// reads its weights; rows of padding do not travel. Otherwise rows are rounded up to whole blocks.
void add_one_by_one(const OneByOne& draw, LayerLoad& load);

// The most pairs an expert takes of `tokens` tokens. Requires: factor > 0.
std::int64_t expert_capacity(const CapacitySpec& capacity, std::int64_t tokens, std::int64_t top_k,
                             std::int64_t experts);

}  // namespace moesim
