#include "sim/serving/batcher.h"

namespace moesim {

// Prompts run alone as long as one can make progress; decodes run when none can.
void plan_prefill_first(Batcher& batcher, RankStep& step) {
  if (!batcher.add_prompts(step)) batcher.add_decodes(step);
}

}  // namespace moesim
