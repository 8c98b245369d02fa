// `workload.lengths:`: tokens of prompts and answers.
#pragma once

#include "base/keys.h"

namespace moesim {

inline constexpr form::Whole kTokens{1, 10'000'000};

struct LognormalLength {
  double mean = 0;
  double p99 = 0;
};
struct UniformLength {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

// `input` and `output`.
const form::Map& length_map();
const KeyMap<LognormalLength>& lognormal_keys();
const KeyMap<UniformLength>& uniform_keys();

}  // namespace moesim
