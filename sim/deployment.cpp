#include "sim/deployment.h"

namespace moesim {

std::string serving_fault(const MoeSpec& moe) {
  if (moe.router.rule == SelectionRule::kExpertChoice) {
    return "experts that choose their tokens (expert choice) need the whole batch, later tokens "
           "of a sequence included; a decode step has only the next one";
  }
  return {};
}

}  // namespace moesim
