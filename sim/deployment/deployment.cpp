#include "sim/deployment/deployment.h"

namespace moesim {

std::string serving_fault(const MoeSpec& moe) {
  if (moe.router.rule == SelectionRule::kExpertChoice) {
    return "experts that choose their tokens (expert choice) need the whole batch, later tokens "
           "of a sequence included; a decode step has only the next one";
  }
  return {};
}

std::vector<Deployment> pools_of(const Deployment& deployment) {
  if (!deployment.prefill) return {deployment};
  std::vector<Deployment> pools(2, deployment);
  Deployment& decode = pools[0];
  Deployment& prefill = pools[1];
  prefill.plan = *deployment.prefill;
  decode.prefill = prefill.prefill = std::nullopt;
  decode.role = PoolRole::kDecode;
  prefill.role = PoolRole::kPrefill;
  const bool decode_first = decode.plan.replica_ranks() > prefill.plan.replica_ranks();
  Deployment& second = decode_first ? prefill : decode;
  second.first_device = (decode_first ? decode : prefill).plan.total_ranks();
  return pools;
}

}  // namespace moesim
