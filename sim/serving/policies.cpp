#include "sim/serving/policies.h"

#include <array>
#include <stdexcept>
#include <utility>

namespace moesim {

PlanStep plan_of(BatchPolicy policy) {
  static constexpr std::array<std::pair<BatchPolicy, PlanStep>, 2> kPolicies = {{
      {BatchPolicy::kMixed, plan_mixed},
      {BatchPolicy::kPrefillFirst, plan_prefill_first},
  }};
  for (const auto& [known, plan] : kPolicies) {
    if (known == policy) return plan;
  }
  throw std::logic_error("batching policy without a plan");
}

}  // namespace moesim
