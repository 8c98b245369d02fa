// The batch of one engine step: which sequences get tokens, and the work that this asks of kernels.
#pragma once

#include <cstdint>
#include <vector>

#include "models/work/layer_work.h"

namespace moesim {

// The work of one step on one attention-DP rank.
struct RankBatch {
  std::int64_t decode_tokens = 0;        // One per decoding sequence.
  std::int64_t prefill_tokens = 0;       // Prompt tokens, recomputed ones included.
  std::int64_t sampled = 0;              // Sequences that get an output token.
  std::vector<AttentionLoad> attention;  // [window class]

  std::int64_t tokens() const { return decode_tokens + prefill_tokens; }
};

// The tokens of one sequence in a step.
struct StepItem {
  std::int32_t slot = 0;  // Of the batcher.
  std::int32_t tokens = 0;
};

// One step of one attention-DP rank.
struct RankStep {
  std::vector<StepItem> items;
  RankBatch batch;
};

}  // namespace moesim
