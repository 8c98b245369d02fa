// Batching policies by name: which waiting prompts and running sequences a step of the engine
// takes. Each is one file in sim/serving/policies and one row of the table in its policies.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/words.h"

namespace moesim {

class Batcher;
struct RankStep;

struct BatchPolicy {
  const char* word;     // As `batching` of scenarios and engine files calls it.
  const char* meaning;  // What a step takes, in words.
  void (*plan)(Batcher& batcher, RankStep& step);  // Adds the tokens of one step.
};

// All policies; the first is that of an engine that names none.
std::span<const BatchPolicy> batch_policies();

// Requires: a policy has that word.
const BatchPolicy* batch_policy(std::string_view word);

template <>
struct Wording<const BatchPolicy*> {
  static std::vector<std::string> words();
  static const char* word(const BatchPolicy* policy) { return policy->word; }
  static std::optional<const BatchPolicy*> parse(std::string_view word);
};

}  // namespace moesim
