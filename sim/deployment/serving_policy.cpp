#include "sim/deployment/serving_policy.h"

namespace moesim {

void ServingPolicy::forget(const std::string& key) {
  const auto erase = [this](const std::string& name) {
    std::erase_if(facts, [&](const Fact& fact) { return fact.path.ends_with("." + name); });
  };
  erase(key);
  erase("small_" + key);
}

double sampling_bytes(const ServingPolicy& policy, Sampling sampling) {
  switch (sampling) {
    case Sampling::kGreedy:
      return policy.greedy_sampling;
    case Sampling::kRandom:
      return policy.random_sampling;
    case Sampling::kTopP:
      return policy.top_p_sampling;
  }
  return policy.greedy_sampling;
}

}  // namespace moesim
