#include "scenarios/cases/baseline_twin.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/cases/row_key.h"

namespace moesim {

Case baseline_twin(const Case& one, TokenPolicy policy) {
  std::string words = word_of(policy);
  std::replace(words.begin(), words.end(), '_', ' ');
  Case twin = one;
  twin.name = fmt::format("{} ({} routing)", one.name, words);
  twin.baseline_of = one.name;
  twin.deployment.name = twin.name;
  if (!one.key.empty()) twin.key = derived_key(one.key, words);
  TokenSource source;
  source.policy = policy;
  source.alpha = one.deployment.tokens.alpha;
  if (one.deployment.tokens.policy != TokenPolicy::kRecorded) {
    source.sequences = one.deployment.tokens.sequences;
    source.sequence_tokens = one.deployment.tokens.sequence_tokens;
  }
  twin.deployment.tokens = source;
  return twin;
}

}  // namespace moesim
