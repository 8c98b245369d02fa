#include <array>
#include <stdexcept>

#include "sim/deployment/batch_policy.h"

namespace moesim {

using Plan = void(Batcher& batcher, RankStep& step);
Plan plan_mixed, plan_prefill_first;

namespace {

constexpr std::array kPolicies = {
    BatchPolicy{"mixed", "prompt chunks ride along with all running decodes", plan_mixed},
    BatchPolicy{"prefill_first", "prompts run in steps of their own, before decodes",
                plan_prefill_first},
};

}  // namespace

std::span<const BatchPolicy> batch_policies() {
  return kPolicies;
}

const BatchPolicy* batch_policy(std::string_view word) {
  const auto found = Wording<const BatchPolicy*>::parse(word);
  if (!found) throw std::logic_error("no batching policy of this name");
  return *found;
}

std::vector<std::string> Wording<const BatchPolicy*>::words() {
  std::vector<std::string> words;
  for (const BatchPolicy& policy : kPolicies) words.emplace_back(policy.word);
  return words;
}

std::optional<const BatchPolicy*> Wording<const BatchPolicy*>::parse(std::string_view word) {
  for (const BatchPolicy& policy : kPolicies) {
    if (policy.word == word) return &policy;
  }
  return std::nullopt;
}

}  // namespace moesim
