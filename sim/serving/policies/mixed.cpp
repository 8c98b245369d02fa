#include "sim/serving/batcher.h"

namespace moesim {

// Every running decode gets its token; prompt chunks fill what is left of the token budget.
void plan_mixed(Batcher& batcher, RankStep& step) {
  batcher.add_decodes(step);
  batcher.add_prompts(step);
}

}  // namespace moesim
