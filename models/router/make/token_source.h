// TokenSource: where the tokens of a routing bank come from, and how many there are.
#pragma once

#include <cstdint>
#include <string>

#include "base/words.h"
#include "models/router/training/gate_training.h"

namespace moesim {

// Where the tokens' routing comes from.
enum class TokenPolicy {
  kCalibrated,  // Generated hidden states through the real gate kernel.
  kBalanced,    // Baseline: every expert equally often, dealt at random.
  kUniform,     // Baseline: top_k distinct experts uniformly at random.
  kPowerLaw,    // Baseline: expert popularity ~ rank^-alpha, independent tokens.
  kTrained,     // Like kCalibrated, with the loads of a gate trained by `training`.
  kRecorded,    // Ids or counts that a real engine recorded, from `trace`.
};
template <>
inline constexpr auto kWords<TokenPolicy> = enum_words<TokenPolicy>({
    {TokenPolicy::kCalibrated, "calibrated"},
    {TokenPolicy::kBalanced, "balanced"},
    {TokenPolicy::kUniform, "uniform"},
    {TokenPolicy::kPowerLaw, "power_law"},
    {TokenPolicy::kTrained, "trained"},
    {TokenPolicy::kRecorded, "recorded"},
});

struct TokenSource {
  TokenPolicy policy = TokenPolicy::kCalibrated;
  double alpha = 1.0;                 // kPowerLaw.
  std::int64_t sequences = 128;       // Bank size: sequences ...
  std::int64_t sequence_tokens = 32;  // ... of this many consecutive tokens.
  std::string domain;                 // kCalibrated: kind of text; empty = the family's mixture.
  std::string gate;         // kCalibrated: .safetensors with the real gates; empty = none.
  std::string trace;        // kRecorded: file.
  TrainingRecipe training;  // kTrained.

  bool operator==(const TokenSource&) const = default;
};

}  // namespace moesim
